package dev.lorikeet.kernel;

import java.util.Arrays;

/**
 * The 256 values of bitsandbytes' dynamic data type, and rounding to them: of the scales of 4-bit
 * weights (double quantisation, signed) and of an optimiser's 8-bit states (signed and unsigned).
 *
 * <p>Decade d of 1…7 below 1 is cut into 2^(7−d) equal parts if signed, into twice as many if not;
 * their middles are values, and so are 0 and 1 (create_dynamic_map with 7 exponent bits of 8). −1
 * is not. Codes number the values in ascending order.
 *
 * <p>The values are, to the last bit, those that create_dynamic_map gives where torch has vectors
 * with fused multiplication (AVX2, AVX-512), as it has where published checkpoints and states are
 * made: float32 throughout. Evaluated exactly and rounded once, 72 of the signed ones would differ
 * by one unit in the last place. Files of weights carry the map that they were made with.
 *
 * <p>A number becomes the nearest value; halfway between two it becomes the one with the even code,
 * which is where the search of bitsandbytes' CUDA kernels (dQuantize, quantize_2D) ends.
 *
 * @see <a href="https://arxiv.org/abs/1511.04561">Dettmers 2015, section 2.2</a>
 * @see <a href="https://arxiv.org/abs/2110.02861">Dettmers et al. 2022, section 1.3</a>
 */
public final class DynamicMap {
  private static final int DECADES = 7;
  private static final int CODES = 256;

  /** The upper bits of a float: rounding begins with what they leave open. */
  private static final int BUCKET_SHIFT = 16;

  private static final int LAST_BUCKET = Float.floatToRawIntBits(1f) >>> BUCKET_SHIFT;

  /** Of numbers in −1…1; code 127 is 0. */
  public static final DynamicMap SIGNED = new DynamicMap(7, 127);

  /** Of numbers in 0…1; code 0 is 0. */
  public static final DynamicMap UNSIGNED = new DynamicMap(8, 0);

  private final int zero;
  private final float[] values = new float[CODES];

  /** limits[k]: a magnitude above it is at least the k-th above zero. */
  private final float[] limits;

  /** The least k of the magnitudes of a bucket. */
  private final short[] least = new short[LAST_BUCKET + 1];

  /**
   * @param bits bits for exponent and fraction
   * @param zero code of 0; as many codes are below it
   */
  private DynamicMap(int bits, int zero) {
    this.zero = zero;
    float[] magnitudes = magnitudes(bits);
    for (int k = 0; k < magnitudes.length; k++) {
      values[zero + k] = magnitudes[k];
    }
    for (int k = 1; k <= zero; k++) {
      values[zero - k] = -magnitudes[k];
    }
    limits = new float[magnitudes.length];
    for (int k = 1; k < magnitudes.length; k++) {
      float middle = (magnitudes[k - 1] + magnitudes[k]) * 0.5f;
      boolean tieGoesUp = (zero + k) % 2 == 0;
      limits[k] = tieGoesUp ? Math.nextDown(middle) : middle;
    }
    int k = 0;
    for (int bucket = 0; bucket < least.length; bucket++) {
      k = from(k, Float.intBitsToFloat(bucket << BUCKET_SHIFT));
      least[bucket] = (short) k;
    }
  }

  /** 0, the middles in ascending order, 1; in torch's float32 arithmetic. */
  private static float[] magnitudes(int bits) {
    float[] found = new float[CODES];
    int at = 1;
    for (int decade = 0; decade < DECADES; decade++) {
      int parts = 1 << (decade + bits - DECADES);
      float scale = (float) StrictMath.pow(10, decade - (DECADES - 1.0));
      for (int part = 0; part < parts; part++) {
        found[at++] = scale * ((boundary(part, parts) + boundary(part + 1, parts)) / 2f);
      }
    }
    found[at] = 1f;
    return Arrays.copyOf(found, at + 1);
  }

  /** torch.linspace(0.1, 1, parts + 1): from the nearer end, with fused multiplication. */
  private static float boundary(int index, int parts) {
    float width = (1f - 0.1f) / parts;
    return index < (parts + 1) / 2
        ? Math.fma(width, index, 0.1f)
        : Math.fma(-width, parts - index, 1f);
  }

  /** The value of a code, of which the lowest 8 bits count. */
  float value(byte code) {
    return values[code & 0xFF];
  }

  /** Code of 0. */
  byte zero() {
    return (byte) zero;
  }

  /** A copy of all values in the order of their codes. */
  public float[] values() {
    return values.clone();
  }

  /**
   * Code of the value nearest to {@code x}; what is beyond the ends takes the last code there, and
   * what is not a number takes code 0, as in dQuantize.
   */
  public byte nearest(float x) {
    if (Float.isNaN(x)) {
      return 0;
    }
    int k = rank(Math.abs(x));
    return (byte) (x < 0 ? zero - Math.min(k, zero) : zero + k);
  }

  /**
   * The same for an optimiser's state, which keeps its sign: a negative number never becomes 0, it
   * takes the first value below. What is not a number gets some code.
   */
  byte nearestOfSameSign(float x) {
    int k = rank(Math.abs(x));
    return (byte) (x < 0 ? zero - Math.clamp(k, 1, zero) : zero + k);
  }

  /** Values between 0 and the nearest one to a magnitude, that one included. */
  private int rank(float magnitude) {
    int bucket = Math.min(Float.floatToRawIntBits(magnitude) >>> BUCKET_SHIFT, LAST_BUCKET);
    return from(least[bucket], magnitude);
  }

  private int from(int least, float magnitude) {
    int k = least;
    while (k + 1 < limits.length && magnitude > limits[k + 1]) {
      k++;
    }
    return k;
  }
}
