package dev.lorikeet.stat;

import java.util.Locale;
import java.util.OptionalLong;

/**
 * Two runs scored on the same items.
 *
 * @param items number of items that both scored
 * @param first score of the first run
 * @param second score of the second run
 * @param interval range of the true difference second − first, at {@link #level}
 * @param pValue probability of a difference at least as large if the runs were equally good, after
 *     any correction for several metrics
 * @param test what the p-value comes from
 * @param direction which scores are better
 * @param level 1 − the p-value below which a difference counts, between 0 and 1
 * @param itemsNeeded how many items of this kind would show a difference as large as the one seen,
 *     with a power of 0.8; empty where none was seen
 */
public record Comparison(
    int items,
    double first,
    double second,
    Interval interval,
    double pValue,
    Test test,
    Direction direction,
    double level,
    OptionalLong itemsNeeded) {

  /** Where a p-value comes from. */
  public enum Test {
    MCNEMAR("McNemar, exact"),
    PAIRED_T("paired t"),
    CLUSTERED_T("paired t between groups"),
    PAIRED_BOOTSTRAP("paired bootstrap");

    private final String words;

    Test(String words) {
      this.words = words;
    }

    /** The test in a report's words. */
    public String words() {
      return words;
    }
  }

  /** How far the second run's score is above the first's. */
  public double effect() {
    return second - first;
  }

  /** Whether the difference counts, and what it means. */
  public Verdict verdict() {
    if (!(pValue < 1 - level) || effect() == 0) {
      return Verdict.WITHIN_NOISE;
    }
    if (direction == Direction.NEITHER) {
      return Verdict.DIFFERENT;
    }
    return direction.isBetter(effect()) ? Verdict.BETTER : Verdict.WORSE;
  }

  /** The same comparison with a p-value that was corrected for several metrics. */
  public Comparison withPValue(double corrected) {
    return new Comparison(
        items, first, second, interval, corrected, test, direction, level, itemsNeeded);
  }

  /** The same comparison of {@code count} items that were resampled in fewer groups. */
  public Comparison overItems(int count) {
    OptionalLong needed =
        itemsNeeded.isPresent()
            ? OptionalLong.of(
                (long) StrictMath.ceil((double) itemsNeeded.getAsLong() / items * count))
            : itemsNeeded;
    return new Comparison(count, first, second, interval, pValue, test, direction, level, needed);
  }

  /** Verdict, difference, interval, p-value, test, and how many items it would take to tell. */
  public String text() {
    String numbers =
        String.format(
            Locale.ROOT,
            "%+.4f (%s; p = %.3g, %s, n = %d)",
            effect(),
            interval.text(),
            pValue,
            test.words(),
            items);
    boolean open = verdict() == Verdict.WITHIN_NOISE && itemsNeeded.isPresent();
    return verdict().words()
        + ": "
        + numbers
        + (open ? "; about " + itemsNeeded.getAsLong() + " items would tell" : "");
  }
}
