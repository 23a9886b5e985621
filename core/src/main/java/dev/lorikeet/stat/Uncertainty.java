package dev.lorikeet.stat;

/**
 * How uncertainty is stated.
 *
 * @param level share of intervals that hold the true value, between 0 and 1
 * @param seed of the bootstrap's draws
 * @param resamples of a bootstrap, at least 100
 */
public record Uncertainty(double level, long seed, int resamples) {
  public static final double LEVEL = 0.95;
  public static final int RESAMPLES = 2000;

  public Uncertainty {
    Quantiles.checked(level);
    if (resamples < 100) {
      throw new IllegalStateException("a bootstrap of " + resamples + " resamples");
    }
  }

  /** Intervals of 95 %, 2,000 resamples. */
  public static Uncertainty seeded(long seed) {
    return new Uncertainty(LEVEL, seed, RESAMPLES);
  }
}
