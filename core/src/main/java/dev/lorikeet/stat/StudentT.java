package dev.lorikeet.stat;

/** Student's t distribution; degrees of freedom are above 0 and need not be whole. */
public final class StudentT {
  private StudentT() {}

  /** Probability of a value further from 0 than {@code t}, on both sides. */
  public static double twoSided(double t, double degrees) {
    double all = degrees + t * t;
    return SpecialFunctions.regularizedBeta(degrees / all, t * t / all, degrees / 2, 0.5);
  }

  /** The t that a two-sided interval of {@code level} reaches to both sides. */
  public static double reach(double level, double degrees) {
    double outside = 1 - Quantiles.checked(level);
    double high = 1;
    while (twoSided(high, degrees) > outside) {
      high *= 2;
    }
    // −twoSided rises with t.
    return Quantiles.invert(t -> -twoSided(t, degrees), -outside, 0, high);
  }
}
