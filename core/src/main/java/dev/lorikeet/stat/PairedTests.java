package dev.lorikeet.stat;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.ToDoubleFunction;

/**
 * Comparisons of two runs on the same items, which see differences that two separate intervals
 * would hide: what is hard about an item is the same for both.
 */
public final class PairedTests {
  /** Probability that {@link Comparison#itemsNeeded} items show the difference. */
  public static final double POWER = 0.8;

  private PairedTests() {}

  /**
   * Two runs whose items are right (1) or wrong (0): McNemar's exact test of the items that
   * changed; interval of the difference after Agresti and Min (half an item added to each of the
   * four cells), which has a width when no item changed, too.
   *
   * @see <a href="https://doi.org/10.1007/BF02295996">McNemar 1947</a>
   * @see <a href="https://doi.org/10.1002/sim.1781">Agresti, Min 2005</a>
   */
  public static Comparison rightOrWrong(
      double[] first, double[] second, Direction direction, double level) {
    int items = sameLength(first, second);
    int lost = 0;
    int won = 0;
    for (int i = 0; i < items; i++) {
      lost += first[i] > second[i] ? 1 : 0;
      won += second[i] > first[i] ? 1 : 0;
    }
    double widened = items + 2.0;
    double middle = (won - lost) / widened;
    double changed = won + lost + 1.0;
    double error =
        StrictMath.sqrt(changed - (won - lost) * (double) (won - lost) / widened) / widened;
    Interval range =
        Interval.around(middle, Normal.reach(level) * error).within(new Interval(-1, 1));
    return new Comparison(
        items,
        Moments.of(first).mean(),
        Moments.of(second).mean(),
        range,
        mcNemar(lost, won),
        Comparison.Test.MCNEMAR,
        direction,
        level,
        SampleSize.rightOrWrong(
            (double) (won + lost) / items, (double) (won - lost) / items, level, POWER));
  }

  /** Two-sided p-value of {@code lost} against {@code won} throws of a fair coin. */
  public static double mcNemar(int lost, int won) {
    int changed = lost + won;
    int fewer = Math.min(lost, won);
    if (changed == 0 || lost == won) {
      return 1;
    }
    // P(X ≤ k) of n throws is I(1/2; n − k, k + 1).
    return Math.min(
        1, 2 * SpecialFunctions.regularizedBeta(0.5, 0.5, changed - fewer, fewer + 1.0));
  }

  /**
   * Two runs of graded items, by Student's t of the differences. Where all differences are the same
   * there is no t, and their signs decide.
   */
  public static Comparison means(
      double[] first, double[] second, Direction direction, double level) {
    sameLength(first, second);
    return ofDifferences(
        first,
        second,
        Estimates.mean(differences(first, second), level),
        first.length - 1.0,
        Comparison.Test.PAIRED_T,
        direction);
  }

  /** As {@link #means}, with items in groups whose differences are alike. */
  public static Comparison clusteredMeans(
      double[] first, double[] second, List<String> groups, Direction direction, double level) {
    sameLength(first, second);
    return ofDifferences(
        first,
        second,
        Estimates.clusteredMean(differences(first, second), groups, level),
        groups.stream().distinct().count() - 1.0,
        Comparison.Test.CLUSTERED_T,
        direction);
  }

  private static Comparison ofDifferences(
      double[] first,
      double[] second,
      Estimate difference,
      double degrees,
      Comparison.Test test,
      Direction direction) {
    double error = difference.standardError().orElse(0);
    double p;
    if (difference.value() == 0 || difference.standardError().isEmpty()) {
      p = 1;
    } else {
      p =
          error == 0
              ? bySigns(degrees + 1)
              : StudentT.twoSided(difference.value() / error, degrees);
    }
    double level = difference.level();
    return new Comparison(
        first.length,
        Moments.of(first).mean(),
        Moments.of(second).mean(),
        difference.interval().orElse(new Interval(-Double.MAX_VALUE, Double.MAX_VALUE)),
        p,
        test,
        direction,
        level,
        SampleSize.mean(difference.value(), error * StrictMath.sqrt(first.length), level, POWER));
  }

  /**
   * Two runs by a statistic of all items: both are computed over the same resampled items. The
   * p-value is twice the smaller share of resamples on one side of no difference, (k + 1)/(R + 1),
   * but no less than {@code items} coins can give: few items look alike in every resample.
   *
   * @param first value of the first run over the items at the given indices
   * @see <a href="https://aclanthology.org/W04-3250/">Koehn 2004</a>
   */
  public static Comparison bootstrap(
      int items,
      ToDoubleFunction<int[]> first,
      ToDoubleFunction<int[]> second,
      Direction direction,
      Uncertainty uncertainty) {
    int[] all = new int[items];
    Arrays.setAll(all, i -> i);
    double[] replicates =
        Bootstrap.replicates(
            items, uncertainty, drawn -> second.applyAsDouble(drawn) - first.applyAsDouble(drawn));
    double one = first.applyAsDouble(all);
    double other = second.applyAsDouble(all);
    double deviation = Bootstrap.standardError(replicates) * StrictMath.sqrt(items);
    return new Comparison(
        items,
        one,
        other,
        Bootstrap.interval(replicates, uncertainty.level()),
        Math.max(bootstrapPValue(replicates), bySigns(items)),
        Comparison.Test.PAIRED_BOOTSTRAP,
        direction,
        uncertainty.level(),
        SampleSize.mean(other - one, deviation, uncertainty.level(), POWER));
  }

  /** Two-sided probability that differences of equals all have the same sign. */
  private static double bySigns(double items) {
    return Math.min(1, StrictMath.pow(2, 1 - items));
  }

  private static double bootstrapPValue(double[] differences) {
    long notAbove = Arrays.stream(differences).filter(d -> d <= 0).count();
    long notBelow = Arrays.stream(differences).filter(d -> d >= 0).count();
    double share = (Math.min(notAbove, notBelow) + 1.0) / (differences.length + 1.0);
    return Math.min(1, 2 * share);
  }

  /**
   * The test that suits the items: McNemar's where all values are 0 or 1 and no groups are given,
   * else t.
   */
  public static Comparison ofItems(
      double[] first,
      double[] second,
      Optional<List<String>> groups,
      Direction direction,
      double level) {
    if (groups.isPresent()) {
      return clusteredMeans(first, second, groups.get(), direction, level);
    }
    return isRightOrWrong(first) && isRightOrWrong(second)
        ? rightOrWrong(first, second, direction, level)
        : means(first, second, direction, level);
  }

  private static boolean isRightOrWrong(double[] values) {
    return Arrays.stream(values).allMatch(value -> value == 0 || value == 1);
  }

  private static double[] differences(double[] first, double[] second) {
    double[] differences = new double[first.length];
    Arrays.setAll(differences, i -> second[i] - first[i]);
    return differences;
  }

  private static int sameLength(double[] first, double[] second) {
    if (first.length != second.length || first.length == 0) {
      throw new IllegalStateException(
          "runs of " + first.length + " and " + second.length + " items cannot be paired");
    }
    return first.length;
  }
}
