package dev.lorikeet.metric;

import dev.lorikeet.stat.Estimate;
import dev.lorikeet.stat.Estimates;
import dev.lorikeet.stat.Uncertainty;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToDoubleFunction;

/** Item scores of one metric, brought together. */
public final class Scores {
  private final Metric metric;
  private final List<ItemScore> items;
  private final Optional<List<String>> groups;

  /**
   * @param items at least one
   * @param groups the group of each item, where items come in groups
   */
  public Scores(Metric metric, List<ItemScore> items, Optional<List<String>> groups) {
    if (items.isEmpty()) {
      throw new IllegalStateException(metric.name() + " of no items");
    }
    this.metric = metric;
    this.items = List.copyOf(items);
    this.groups = groups.map(List::copyOf);
  }

  /** The groups of items, if every one has one; an item without is a group of its own. */
  public static Optional<List<String>> groups(List<String> ids, List<Optional<String>> groups) {
    if (groups.stream().allMatch(Optional::isEmpty)) {
      return Optional.empty();
    }
    List<String> names = new ArrayList<>();
    for (int i = 0; i < ids.size(); i++) {
      // The prefixes keep an item's id apart from a group of the same name.
      String own = "item " + ids.get(i);
      names.add(groups.get(i).map(group -> "group " + group).orElse(own));
    }
    return Optional.of(names);
  }

  /** The score with its uncertainty, under the name {@code asked}. */
  public Score score(String asked, Uncertainty uncertainty) {
    return new Score(
        asked, metric.direction(), estimate(uncertainty), metric.details(sumsByName()));
  }

  private Estimate estimate(Uncertainty uncertainty) {
    return switch (metric.aggregation()) {
      case Aggregation.Mean() -> mean(uncertainty);
      case Aggregation.Share() ->
          groups.isPresent() ? mean(uncertainty) : share(uncertainty.level());
      case Aggregation.OfSums sums -> ofSums(sums, uncertainty);
    };
  }

  private Estimate mean(Uncertainty uncertainty) {
    return groups.isPresent()
        ? Estimates.clusteredMean(values(), groups.get(), uncertainty.level())
        : Estimates.mean(values(), uncertainty.level());
  }

  private Estimate share(double level) {
    int right = (int) items.stream().filter(score -> score.value() == 1).count();
    return Estimates.proportion(right, items.size(), level);
  }

  private Estimate ofSums(Aggregation.OfSums sums, Uncertainty uncertainty) {
    double[][] units = units(sums.parts());
    int[] all = new int[units.length];
    Arrays.setAll(all, i -> i);
    ToDoubleFunction<int[]> statistic = statistic(sums, units);
    Estimate estimate =
        Estimates.bootstrap(statistic.applyAsDouble(all), units.length, uncertainty, statistic);
    return new Estimate(
        estimate.value(),
        items.size(),
        estimate.standardError(),
        estimate.interval(),
        estimate.level(),
        estimate.method());
  }

  /** The score of items, or groups, at the given indices. */
  static ToDoubleFunction<int[]> statistic(Aggregation.OfSums sums, double[][] units) {
    int parts = sums.parts().size();
    return drawn -> {
      double[] total = new double[parts];
      for (int unit : drawn) {
        for (int p = 0; p < parts; p++) {
          total[p] += units[unit][p];
        }
      }
      return sums.value().applyAsDouble(total);
    };
  }

  /** The parts of each item; of each group, added up, where items come in groups. */
  double[][] units(List<String> parts) {
    Map<String, double[]> units = new LinkedHashMap<>();
    for (int i = 0; i < items.size(); i++) {
      String unit = groups.isPresent() ? groups.get().get(i) : String.valueOf(i);
      double[] sums = units.computeIfAbsent(unit, _ -> new double[parts.size()]);
      for (int p = 0; p < sums.length; p++) {
        sums[p] += items.get(i).part(parts.get(p));
      }
    }
    return units.values().toArray(double[][]::new);
  }

  /** The score of each item. */
  double[] values() {
    return items.stream().mapToDouble(ItemScore::value).toArray();
  }

  Optional<List<String>> groups() {
    return groups;
  }

  Metric metric() {
    return metric;
  }

  private Map<String, Double> sumsByName() {
    Map<String, Double> sums = new LinkedHashMap<>();
    items.forEach(
        item -> item.parts().forEach((name, part) -> sums.merge(name, part, Double::sum)));
    return sums;
  }
}
