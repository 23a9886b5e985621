package dev.lorikeet.quant;

import dev.lorikeet.format.FourBitState;

/**
 * The 16 values of a 4-bit code and the rule that picks one of them for a number in [−1, 1].
 *
 * <p>The rule is that of bitsandbytes' CUDA kernels, its published decision trees: a number takes
 * the code above a threshold only if it is strictly larger. What is not a number, as in a block of
 * zeros, is larger than nothing and takes code 0.
 */
public enum FourBitCode {
  /** Quantiles of the normal distribution (Dettmers et al. 2023, appendix E). */
  NF4(FourBitState.Type.NF4) {
    @Override
    public int code(float x) {
      return countBelow(NF4_THRESHOLDS, x);
    }

    @Override
    public float[] map() {
      return NF4_VALUES.clone();
    }
  },

  /** Sign, exponent and fraction, in units of the largest of the values. */
  FP4(FourBitState.Type.FP4) {
    @Override
    public int code(float x) {
      int magnitude = FP4_CODES[countBelow(FP4_THRESHOLDS, Math.abs(x))];
      return x < 0 ? magnitude | FP4_SIGN : magnitude;
    }

    @Override
    public float[] map() {
      float[] values = new float[2 * FP4_MAGNITUDES.length];
      for (int i = 0; i < FP4_MAGNITUDES.length; i++) {
        values[i] = FP4_MAGNITUDES[i] / FP4_LARGEST;
        values[i + FP4_SIGN] = -values[i];
      }
      return values;
    }
  };

  /** The published digits in the shortest form that is the same float32; so are those below. */
  private static final float[] NF4_VALUES = {
    -1.0f,
    -0.6961928f,
    -0.52507305f,
    -0.3949175f,
    -0.28444138f,
    -0.18477343f,
    -0.091050036f,
    0.0f,
    0.0795803f,
    0.1609302f,
    0.2461123f,
    0.33791524f,
    0.44070983f,
    0.562617f,
    0.72295684f,
    1.0f
  };

  private static final float[] NF4_THRESHOLDS = {
    -0.8480964f,
    -0.6106329f,
    -0.45999527f,
    -0.33967942f,
    -0.2346074f,
    -0.13791174f,
    -0.045525018f,
    0.03979015f,
    0.12025525f,
    0.20352125f,
    0.29201376f,
    0.38931254f,
    0.50166345f,
    0.6427869f,
    0.86147845f
  };

  private static final float[] FP4_MAGNITUDES = {0f, 0.0625f, 8f, 12f, 4f, 6f, 2f, 3f};
  private static final float FP4_LARGEST = 12f;
  private static final int FP4_SIGN = 8;

  private static final float[] FP4_THRESHOLDS = {
    0.00260417f, 0.0859375f, 0.20833333f, 0.29166666f, 0.4166667f, 0.583333f, 0.8333333f
  };

  /** Codes in the order of their magnitudes. */
  private static final int[] FP4_CODES = {0, 1, 6, 7, 4, 5, 2, 3};

  private final FourBitState.Type type;

  FourBitCode(FourBitState.Type type) {
    this.type = type;
  }

  /** The code called {@code type} in files. */
  public static FourBitCode of(FourBitState.Type type) {
    return switch (type) {
      case NF4 -> NF4;
      case FP4 -> FP4;
    };
  }

  /** What the files call it. */
  public FourBitState.Type type() {
    return type;
  }

  /** The code, 0 to 15, of a number divided by its block's largest magnitude. */
  public abstract int code(float x);

  /** What the 16 codes stand for, in units of the block's largest magnitude. */
  public abstract float[] map();

  private static int countBelow(float[] thresholds, float x) {
    int count = 0;
    for (float threshold : thresholds) {
      count += x > threshold ? 1 : 0;
    }
    return count;
  }
}
