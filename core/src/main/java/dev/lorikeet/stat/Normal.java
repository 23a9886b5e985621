package dev.lorikeet.stat;

/** The standard normal distribution. */
public final class Normal {
  private Normal() {}

  /** Probability of a value of at most {@code z}. */
  public static double cdf(double z) {
    return 0.5 * SpecialFunctions.erfc(-z / StrictMath.sqrt(2));
  }

  /**
   * The z that {@link #cdf} gives {@code probability} for.
   *
   * @param probability in 0..1, both excluded
   */
  public static double quantile(double probability) {
    return probability > 0.5
        ? -lowerQuantile(1 - probability)
        : lowerQuantile(Quantiles.checked(probability));
  }

  /** For probabilities up to a half, where the distribution function loses no digits. */
  private static double lowerQuantile(double probability) {
    return Quantiles.invert(Normal::cdf, probability, -40, 0);
  }

  /** The z that a two-sided interval of {@code level} reaches to both sides: 1.96 for 0.95. */
  public static double reach(double level) {
    return -lowerQuantile((1 - Quantiles.checked(level)) / 2);
  }
}
