package dev.lorikeet.stat;

import java.util.function.ToDoubleFunction;

/**
 * Resampling of items with replacement.
 *
 * <p>Draw i of resample r is a pure function of (seed, r, i): SplitMix64 started at mix(seed + γ) +
 * r·γ', its upper 32 bits scaled to the number of items (bias below n/2³²). So a report is the same
 * on every machine and could be drawn in parallel.
 *
 * @see <a href="https://doi.org/10.1214/aos/1176344552">Efron 1979</a>
 * @see <a href="https://doi.org/10.1145/2660193.2660195">Steele, Lea, Flood 2014</a> (SplitMix64)
 */
public final class Bootstrap {
  private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;
  private static final long STREAM_GAMMA = 0xD1B54A32D192ED03L;

  private Bootstrap() {}

  /**
   * Values of {@code statistic} over resamples of {@code items} items; it is given the indices
   * drawn, in an array that is used again.
   */
  public static double[] replicates(
      int items, Uncertainty uncertainty, ToDoubleFunction<int[]> statistic) {
    int[] drawn = new int[items];
    double[] values = new double[uncertainty.resamples()];
    for (int r = 0; r < values.length; r++) {
      draw(uncertainty.seed(), r, items, drawn);
      values[r] = statistic.applyAsDouble(drawn);
    }
    return values;
  }

  /** The middle {@code level} of the replicates. */
  public static Interval interval(double[] replicates, double level) {
    return Quantiles.percentile(replicates, level);
  }

  /** Sample standard deviation of the replicates: the standard error of the statistic. */
  public static double standardError(double[] replicates) {
    return Moments.of(replicates).standardDeviation();
  }

  /** Fills {@code drawn} with indices below {@code items}. */
  static void draw(long seed, int resample, int items, int[] drawn) {
    long state = mix(seed + GOLDEN_GAMMA) + (resample + 1) * STREAM_GAMMA;
    for (int i = 0; i < drawn.length; i++) {
      state += GOLDEN_GAMMA;
      drawn[i] = below(mix(state), items);
    }
  }

  static int below(long bits, int bound) {
    return (int) (((bits >>> 32) * bound) >>> 32);
  }

  static long mix(long value) {
    long z = (value ^ (value >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
