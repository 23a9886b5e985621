package dev.lorikeet.stat;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.ToDoubleFunction;

/** Scores with standard errors and intervals. */
public final class Estimates {
  private Estimates() {}

  /**
   * Mean of at least one value; standard error s/√n with the sample standard deviation s, as
   * lm-evaluation-harness has it; interval by Student's t with n − 1 degrees.
   */
  public static Estimate mean(double[] values, double level) {
    Moments moments = Moments.of(notEmpty(values));
    if (moments.count() < 2) {
      return unknown(moments.mean(), moments.count(), level, Estimate.Method.STUDENT);
    }
    double error = moments.standardError();
    double half = StudentT.reach(level, moments.count() - 1.0) * error;
    return known(
        moments.mean(),
        moments.count(),
        error,
        Interval.around(moments.mean(), half),
        level,
        Estimate.Method.STUDENT);
  }

  /**
   * Share of successes; standard error √(p(1−p)/(n−1)), which is {@link #mean}'s for zeros and
   * ones; Wilson's interval, which stays inside 0..1 and has a width at 0 and 1, too.
   *
   * @see <a href="https://doi.org/10.1080/01621459.1927.10502953">Wilson 1927</a>
   */
  public static Estimate proportion(int successes, int trials, double level) {
    if (trials < 1 || successes < 0 || successes > trials) {
      throw new IllegalStateException(successes + " successes of " + trials);
    }
    double p = (double) successes / trials;
    double z = Normal.reach(level);
    double shrink = 1 + z * z / trials;
    double middle = (p + z * z / (2.0 * trials)) / shrink;
    double half =
        z / shrink * StrictMath.sqrt(p * (1 - p) / trials + z * z / (4.0 * trials * trials));
    // At 0 and 1 the formula gives these ends but for rounding.
    Interval range =
        new Interval(
            successes == 0 ? 0 : Math.max(0, middle - half),
            successes == trials ? 1 : Math.min(1, middle + half));
    OptionalDouble error =
        trials < 2
            ? OptionalDouble.empty()
            : OptionalDouble.of(StrictMath.sqrt(p * (1 - p) / (trials - 1)));
    return new Estimate(p, trials, error, Optional.of(range), level, Estimate.Method.WILSON);
  }

  /**
   * Mean of items that come in groups (questions about one text, say), whose values are alike: the
   * variance is G/(G−1) · Σ over groups of (Σ residuals)² / n²; interval by Student's t with G − 1
   * degrees. With groups of one item this is {@link #mean}.
   *
   * @param groups the group of each value
   * @see <a href="https://arxiv.org/abs/2411.00640">Miller 2024, Adding error bars to evals</a>,
   *     2.2; the factor G/(G−1) is the usual correction for few groups
   */
  public static Estimate clusteredMean(double[] values, List<String> groups, double level) {
    Moments moments = Moments.of(notEmpty(values));
    if (groups.size() != values.length) {
      throw new IllegalStateException(groups.size() + " groups of " + values.length + " values");
    }
    Map<String, Double> residuals = new LinkedHashMap<>();
    for (int i = 0; i < values.length; i++) {
      residuals.merge(groups.get(i), values[i] - moments.mean(), Double::sum);
    }
    int clusters = residuals.size();
    if (clusters < 2) {
      return unknown(moments.mean(), values.length, level, Estimate.Method.CLUSTERED);
    }
    double squares = residuals.values().stream().mapToDouble(r -> r * r).sum();
    double error = StrictMath.sqrt(squares * clusters / (clusters - 1.0)) / values.length;
    return known(
        moments.mean(),
        values.length,
        error,
        Interval.around(moments.mean(), StudentT.reach(level, clusters - 1.0) * error),
        level,
        Estimate.Method.CLUSTERED);
  }

  /**
   * A statistic of the items as a whole, with the error that resampling shows.
   *
   * @param statistic value for the items at the given indices, which may repeat
   */
  public static Estimate bootstrap(
      double value, int items, Uncertainty uncertainty, ToDoubleFunction<int[]> statistic) {
    if (items < 2) {
      return unknown(value, items, uncertainty.level(), Estimate.Method.BOOTSTRAP);
    }
    double[] replicates = Bootstrap.replicates(items, uncertainty, statistic);
    return known(
        value,
        items,
        Bootstrap.standardError(replicates),
        Bootstrap.interval(replicates, uncertainty.level()),
        uncertainty.level(),
        Estimate.Method.BOOTSTRAP);
  }

  /** How the members of a group of tasks count. */
  public enum Weighting {
    /** By their items: every item counts the same. */
    BY_SIZE,
    /** Every member counts the same. */
    EQUAL
  }

  /**
   * Mean over the tasks of a group, as lm-evaluation-harness has it. By size, the standard error is
   * pooled: √(Σ(nᵢ−1)·nᵢ·seᵢ² / (Σnᵢ − k) / Σnᵢ); equally weighted it is √(Σseᵢ²)/k. The interval
   * is normal. Empty standard error where a member's is.
   */
  public static Estimate group(List<Estimate> members, Weighting weighting, double level) {
    if (members.isEmpty()) {
      throw new IllegalStateException("a group without members");
    }
    int items = members.stream().mapToInt(Estimate::items).sum();
    double weights = 0;
    double sum = 0;
    for (Estimate member : members) {
      double weight = weighting == Weighting.BY_SIZE ? member.items() : 1;
      weights += weight;
      sum += weight * member.value();
    }
    double value = sum / weights;
    if (members.stream().anyMatch(member -> member.standardError().isEmpty())) {
      return unknown(value, items, level, Estimate.Method.POOLED);
    }
    double error =
        weighting == Weighting.BY_SIZE ? pooledError(members, items) : equalError(members);
    Interval range = Interval.around(value, Normal.reach(level) * error);
    return known(value, items, error, range, level, Estimate.Method.POOLED);
  }

  private static double pooledError(List<Estimate> members, int items) {
    double sum = 0;
    for (Estimate member : members) {
      double error = member.standardError().orElse(0);
      sum += (member.items() - 1.0) * error * error * member.items();
    }
    return StrictMath.sqrt(sum / (items - members.size()) / items);
  }

  private static double equalError(List<Estimate> members) {
    double sum = 0;
    for (Estimate member : members) {
      double error = member.standardError().orElse(0);
      sum += error * error;
    }
    return StrictMath.sqrt(sum) / members.size();
  }

  private static Estimate known(
      double value, int items, double error, Interval range, double level, Estimate.Method method) {
    return new Estimate(value, items, OptionalDouble.of(error), Optional.of(range), level, method);
  }

  private static Estimate unknown(double value, int items, double level, Estimate.Method method) {
    return new Estimate(value, items, OptionalDouble.empty(), Optional.empty(), level, method);
  }

  private static double[] notEmpty(double[] values) {
    if (values.length == 0) {
      throw new IllegalStateException("no values to take the mean of");
    }
    return values;
  }
}
