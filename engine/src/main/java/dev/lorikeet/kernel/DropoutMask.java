package dev.lorikeet.kernel;

import dev.lorikeet.torch.Tensor;

/**
 * A dropout mask that is computed, not stored: element (row, channel) is kept when the hash of (row
 * key, channel) is at least {@code rate · 2³²}, and then multiplied by 1 / (1 − rate).
 *
 * @param rate share of elements dropped, 0 ≤ rate &lt; 1
 * @param rowKeys int32 [T]: a hash of (seed, step, module, example, position) for each row
 */
public record DropoutMask(double rate, Tensor rowKeys) {

  public DropoutMask {
    if (!(rate >= 0 && rate < 1)) {
      throw new IllegalStateException("dropout rate " + rate);
    }
  }

  /** The 32-bit hash that decides over one element; also the definition that tests use. */
  public static int hash(int rowKey, int channel) {
    int h = rowKey ^ (channel * 0x9E3779B9);
    h ^= h >>> 16;
    h *= 0x21F0AAAD;
    h ^= h >>> 15;
    h *= 0x735A2D97;
    h ^= h >>> 15;
    return h;
  }

  /** Hashes below this, read as unsigned numbers, are dropped. */
  public int threshold() {
    return (int) (long) Math.floor(rate * 0x1p32);
  }

  /** What kept elements are multiplied by. */
  public float keptScale() {
    return (float) (1.0 / (1.0 - rate));
  }
}
