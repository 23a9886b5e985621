package dev.lorikeet.stat;

import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * A score with what is known of its error.
 *
 * @param items number of items behind it, at least 1
 * @param standardError standard deviation of the value over other samples of as many items; empty
 *     where one item, or one group, tells nothing of it
 * @param interval range that holds the true value in {@link #level} of samples; empty where the
 *     standard error is
 * @param level between 0 and 1
 * @param method how the interval was made
 */
public record Estimate(
    double value,
    int items,
    OptionalDouble standardError,
    Optional<Interval> interval,
    double level,
    Method method) {

  /** How an interval was made. */
  public enum Method {
    /** Student's t around a mean. */
    STUDENT("t"),
    /** Wilson's interval of a share. */
    WILSON("Wilson"),
    /** Middle of the values of resampled items. */
    BOOTSTRAP("bootstrap"),
    /** Student's t with the standard error between groups of items. */
    CLUSTERED("t between groups"),
    /** Normal distribution around a mean of groups. */
    POOLED("normal, pooled over groups");

    private final String words;

    Method(String words) {
      this.words = words;
    }

    /** The method in a report's words. */
    public String words() {
      return words;
    }
  }

  /**
   * What the score would be on the whole set of {@code population} items that this one's were drawn
   * from without replacement: the error shrinks by √(1 − n/N), to nothing when all were drawn. The
   * estimate itself, which does not shrink, is about other items of the same kind.
   *
   * @see <a href="https://doi.org/10.1002/0471722294">Cochran 1977, Sampling techniques</a>, 2.6
   */
  public Estimate onWholeSetOf(int population) {
    if (population < items) {
      throw new IllegalStateException(items + " items drawn of " + population);
    }
    double factor = StrictMath.sqrt(1 - (double) items / population);
    return new Estimate(
        value,
        items,
        standardError.isPresent()
            ? OptionalDouble.of(standardError.getAsDouble() * factor)
            : OptionalDouble.empty(),
        interval.map(range -> range.scaledAround(value, factor)),
        level,
        method);
  }

  /** As in {@code 0.8667 (95 % 0.7531 to 0.9314, n = 60)}. */
  public String text() {
    String percent = String.format(Locale.ROOT, "%.4g", level * 100).replaceAll("\\.?0+$", "");
    return String.format(Locale.ROOT, "%.4f", value)
        + interval
            .map(range -> " (" + percent + " % " + range.text() + ", n = " + items + ")")
            .orElse(" (n = " + items + ", too few for an interval)");
  }
}
