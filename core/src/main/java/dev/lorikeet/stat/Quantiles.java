package dev.lorikeet.stat;

import java.util.Arrays;
import java.util.function.DoubleUnaryOperator;

/** Quantiles of distributions, by halving, and of samples. */
final class Quantiles {
  private Quantiles() {}

  /** {@code probability}, which has to lie between 0 and 1. */
  static double checked(double probability) {
    if (!(probability > 0 && probability < 1)) {
      throw new IllegalStateException("not between 0 and 1: " + probability);
    }
    return probability;
  }

  /** The point between {@code low} and {@code high} where rising {@code cdf} is {@code target}. */
  static double invert(DoubleUnaryOperator cdf, double target, double low, double high) {
    double below = low;
    double above = high;
    while (true) {
      double middle = 0.5 * (below + above);
      if (middle <= below || middle >= above) {
        return middle;
      }
      if (cdf.applyAsDouble(middle) < target) {
        below = middle;
      } else {
        above = middle;
      }
    }
  }

  /**
   * The interval that leaves (1 − level)/2 of {@code values} on each side; quantiles between two
   * values are interpolated linearly (type 7 of Hyndman and Fan 1996, NumPy's default).
   */
  static Interval percentile(double[] values, double level) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    double tail = (1 - checked(level)) / 2;
    return new Interval(sample(sorted, tail), sample(sorted, 1 - tail));
  }

  private static double sample(double[] sorted, double probability) {
    double position = probability * (sorted.length - 1);
    int below = (int) position;
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
  }
}
