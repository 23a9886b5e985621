package dev.lorikeet.quant;

import java.util.Arrays;

/**
 * The signed dynamic map: 256 values in [−1, 1] whose number of fraction bits grows with their
 * magnitude (Dettmers 2015, section 2.2). For every i of 0 … 6 the interval from 0.1 to 1 is cut
 * into 2ⁱ equal parts, whose middles times ±10^(i−6) are values; 0 and 1 complete them.
 *
 * <p>bitsandbytes evaluates this in float32 with torch, whose last bit depends on the processor's
 * vectors; here it is evaluated in double and rounded once, which is within one unit in the last
 * place. Files carry the map that they were made with.
 *
 * @see <a href="https://arxiv.org/abs/1511.04561">Dettmers 2015</a>
 */
public final class DynamicMap {
  private static final int EXPONENTS = 7;
  private static final int SIZE = 256;
  private static final double START = 0.1;
  private static final float[] SIGNED = signed();

  private DynamicMap() {}

  private static float[] signed() {
    float[] values = new float[SIZE];
    int count = 0;
    for (int i = 0; i < EXPONENTS; i++) {
      int parts = 1 << i;
      double width = (1 - START) / parts;
      for (int part = 0; part < parts; part++) {
        double middle = START + (part + 0.5) * width;
        float value = (float) (middle * Math.pow(10, i - EXPONENTS + 1));
        values[count++] = value;
        values[count++] = -value;
      }
    }
    values[count] = 1f; // the one place left is 0
    Arrays.sort(values);
    return values;
  }

  /** The 256 values in ascending order. */
  public static float[] values() {
    return SIGNED.clone();
  }

  /**
   * Index of the value nearest to {@code x} by the search of bitsandbytes' CUDA kernels: halving
   * steps from the middle, then the midpoint to the neighbour on the far side; on a midpoint the
   * value that the search ended at.
   */
  static int nearest(float x) {
    int pivot = SIZE / 2 - 1;
    int upper = SIZE - 1;
    int lower = 0;
    for (int step = SIZE / 4; step > 0; step >>= 1) {
      if (x > SIGNED[pivot]) {
        lower = pivot;
        pivot += step;
      } else {
        upper = pivot;
        pivot -= step;
      }
    }
    float value = SIGNED[pivot];
    if (x > value) {
      return x > (SIGNED[upper] + value) * 0.5f ? upper : pivot;
    }
    return x < (SIGNED[lower] + value) * 0.5f ? lower : pivot;
  }
}
