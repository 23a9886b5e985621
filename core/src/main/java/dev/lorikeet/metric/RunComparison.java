package dev.lorikeet.metric;

import dev.lorikeet.error.DataException;
import dev.lorikeet.metric.ItemResults.ItemResult;
import dev.lorikeet.stat.Comparison;
import dev.lorikeet.stat.Direction;
import dev.lorikeet.stat.Holm;
import dev.lorikeet.stat.PairedTests;
import dev.lorikeet.stat.Uncertainty;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToDoubleFunction;

/**
 * Two evaluations of the same task on the same data, item by item.
 *
 * @param metrics by metric that both have; p-values are corrected after Holm where there are
 *     several
 * @param changes by metric, the items whose score changed
 * @param onlyFirst number of items that only the first run scored, and that do not count
 * @param onlySecond the same for the second
 */
public record RunComparison(
    Map<String, Comparison> metrics, Map<String, Changes> changes, int onlyFirst, int onlySecond) {

  public RunComparison {
    metrics = Collections.unmodifiableMap(new LinkedHashMap<>(metrics));
    changes = Collections.unmodifiableMap(new LinkedHashMap<>(changes));
  }

  /** An item whose score is not the same in both runs. */
  public record Change(ItemResult first, ItemResult second, double before, double after) {}

  /**
   * Items by what became of them, the largest changes first: for metrics of right and wrong answers
   * {@code worse} is right → wrong, and {@code better} wrong → right.
   *
   * @param worse where neither direction is better, those that fell
   * @param better where neither direction is better, those that rose
   */
  public record Changes(List<Change> worse, List<Change> better) {
    public Changes {
      worse = List.copyOf(worse);
      better = List.copyOf(better);
    }
  }

  /**
   * Compares the metrics that both runs have, over the items that both have.
   *
   * @throws DataException if task or data differ, or nothing is in both
   */
  public static RunComparison of(
      ItemResults first, ItemResults second, MetricRegistry registry, Uncertainty uncertainty) {
    requireSame(first.header(), second.header());
    Map<String, ItemResult> others = new LinkedHashMap<>();
    second.items().forEach(item -> others.put(item.id(), item));
    List<ItemResult> left = new ArrayList<>();
    List<ItemResult> right = new ArrayList<>();
    for (ItemResult item : first.items()) {
      ItemResult other = others.get(item.id());
      if (other != null) {
        left.add(item);
        right.add(other);
      }
    }
    List<String> shared =
        first.header().metrics().stream().filter(second.header().metrics()::contains).toList();
    requireShared(first, second, left.size(), shared);
    ItemResults one = new ItemResults(first.header(), left);
    ItemResults two = new ItemResults(second.header(), right);
    Map<String, Comparison> compared = new LinkedHashMap<>();
    Map<String, Changes> changes = new LinkedHashMap<>();
    for (String metric : shared) {
      Scores before = one.scores(metric, registry);
      Scores after = two.scores(metric, registry);
      compared.put(metric, compare(before, after, uncertainty));
      changes.put(metric, changes(one, two, metric, before.metric().direction()));
    }
    return new RunComparison(
        Holm.adjust(compared),
        changes,
        first.items().size() - left.size(),
        second.items().size() - left.size());
  }

  private static void requireSame(ItemResults.Header first, ItemResults.Header second) {
    List<String> differences = new ArrayList<>();
    if (!first.task().equals(second.task())) {
      differences.add(
          "the task is %s version %s (definition %.12s) in one and %s version %s (%.12s) in the other"
              .formatted(
                  first.task().name(),
                  first.task().version(),
                  first.task().sha256(),
                  second.task().name(),
                  second.task().version(),
                  second.task().sha256()));
    }
    if (!first.dataSha256().equals(second.dataSha256())) {
      differences.add(
          "the data has the hash %.12s in one and %.12s in the other"
              .formatted(first.dataSha256(), second.dataSha256()));
    }
    if (!differences.isEmpty()) {
      throw new DataException(
          "The runs cannot be compared item by item: "
              + String.join("; ", differences)
              + ". Evaluate both with the same task and data.");
    }
  }

  private static void requireShared(
      ItemResults first, ItemResults second, int items, List<String> metrics) {
    if (items == 0) {
      throw new DataException(
          "The runs cannot be compared item by item: they scored %d and %d items, and none is in"
                  .formatted(first.items().size(), second.items().size())
              + " both. Evaluate both with the same limit and seed.");
    }
    if (metrics.isEmpty()) {
      throw new DataException(
          "The runs cannot be compared: one has the metrics "
              + first.header().metrics()
              + ", the other "
              + second.header().metrics()
              + ". Evaluate both with the same metrics and options.");
    }
  }

  private static Comparison compare(Scores before, Scores after, Uncertainty uncertainty) {
    Direction direction = before.metric().direction();
    if (before.metric().aggregation() instanceof Aggregation.OfSums sums) {
      double[][] first = before.units(sums.parts());
      double[][] second = after.units(sums.parts());
      ToDoubleFunction<int[]> one = Scores.statistic(sums, first);
      ToDoubleFunction<int[]> two = Scores.statistic(sums, second);
      return PairedTests.bootstrap(first.length, one, two, direction, uncertainty)
          .overItems(before.values().length);
    }
    Optional<List<String>> groups = before.groups();
    return PairedTests.ofItems(
        before.values(), after.values(), groups, direction, uncertainty.level());
  }

  private static Changes changes(
      ItemResults first, ItemResults second, String metric, Direction direction) {
    List<Change> worse = new ArrayList<>();
    List<Change> better = new ArrayList<>();
    for (int i = 0; i < first.items().size(); i++) {
      ItemResult left = first.items().get(i);
      ItemResult right = second.items().get(i);
      double before = ItemResults.scoreOf(left, metric).value();
      double after = ItemResults.scoreOf(right, metric).value();
      boolean rose = after > before;
      if (after != before) {
        Change change = new Change(left, right, before, after);
        (rose == (direction != Direction.LOWER_IS_BETTER) ? better : worse).add(change);
      }
    }
    // A stable sort: equal changes stay in the order of the file.
    Comparator<Change> largest =
        Comparator.comparingDouble(change -> -Math.abs(change.after - change.before));
    worse.sort(largest);
    better.sort(largest);
    return new Changes(worse, better);
  }
}
