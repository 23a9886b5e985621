package dev.lorikeet.kernel;

import dev.lorikeet.torch.DType;
import dev.lorikeet.torch.FlashAttention;
import dev.lorikeet.torch.FlashAttention.Ask;
import dev.lorikeet.torch.FlashAttention.Heads;
import dev.lorikeet.torch.FlashPacking;
import dev.lorikeet.torch.KernelLauncher;
import dev.lorikeet.torch.TorchDevice;
import java.util.Optional;
import java.util.OptionalInt;

/** What libtorch's flash attention takes; the formula takes the rest. */
final class FlashRule {
  /** Ampere. */
  private static final int OLDEST_ARCHITECTURE = 80;

  private static final int DIM_UNIT = 8;
  private static final int LARGEST_DIM = 256;

  private FlashRule() {}

  /** Flash attention of {@code device}, if it has one. */
  static Optional<FlashAttention> of(TorchDevice device) {
    int architecture = device.launcher().map(KernelLauncher::architecture).orElse(0);
    return device.isGpu() && has(architecture, device.computeFormat())
        ? Optional.of(FlashAttention.onGpu(device))
        : Optional.empty();
  }

  /**
   * Whether a GPU that computes in {@code format} has it.
   *
   * @param architecture ten times its compute capability
   */
  static boolean has(int architecture, DType format) {
    return architecture >= OLDEST_ARCHITECTURE && format.isHalf();
  }

  /**
   * How flash attention is asked; empty if it does not take that.
   *
   * @param queries rows of the queries
   * @param keys rows of the keys
   */
  static Optional<Ask> ask(AttentionShape shape, Segments segments, long queries, long keys) {
    boolean fits = shape.headDim() % DIM_UNIT == 0 && shape.headDim() <= LARGEST_DIM;
    if (!fits || shape.softCap() > 0 || !gapless(segments, queries, keys)) {
      return Optional.empty();
    }
    int[] queryLengths = new int[segments.count()];
    int[] keyLengths = new int[segments.count()];
    for (int s = 0; s < segments.count(); s++) {
      queryLengths[s] = segments.queryLength(s);
      keyLengths[s] = segments.keyLength(s);
    }
    FlashPacking packing = new FlashPacking(queryLengths, keyLengths);
    OptionalInt window = shape.window() > 0 ? OptionalInt.of(shape.window()) : OptionalInt.empty();
    Heads heads = new Heads(shape.heads(), shape.kvHeads(), shape.headDim(), shape.scale(), window);
    // Single queries have nothing to save, and libtorch treats them as another case.
    return packing.longestQuery() > 1 ? Optional.of(new Ask(heads, packing)) : Optional.empty();
  }

  /** Whether the segments cover all rows, one behind the other. */
  private static boolean gapless(Segments segments, long queries, long keys) {
    long query = 0;
    long key = 0;
    for (int s = 0; s < segments.count(); s++) {
      if (segments.queryStart(s) != query || segments.keyStart(s) != key) {
        return false;
      }
      query += segments.queryLength(s);
      key += segments.keyLength(s);
    }
    return segments.count() > 0 && query == queries && key == keys;
  }
}
