package dev.lorikeet.run;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.SequencedMap;
import java.util.SequencedSet;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/**
 * Two runs side by side.
 *
 * @param left id of the first run
 * @param right id of the second run
 * @param recipe the recipe keys whose values differ, in the recipe's order
 * @param results measurements, present on at least one side
 */
public record RunDiff(String left, String right, List<Difference> recipe, List<Result> results) {

  public RunDiff {
    recipe = List.copyOf(recipe);
    results = List.copyOf(results);
  }

  /**
   * A recipe key with two values.
   *
   * @param key dotted, as in {@code train.learning_rate}
   * @param left its value; empty where the first recipe lacks the key
   * @param right the same for the second recipe
   */
  public record Difference(String key, Optional<String> left, Optional<String> right) {}

  /**
   * A measurement of both runs.
   *
   * @param name what was measured, with its unit where it has one
   * @param left empty where the first run did not measure it
   * @param right the same for the second run
   */
  public record Result(String name, OptionalDouble left, OptionalDouble right) {}

  static RunDiff of(
      RunRecord left,
      List<MetricsRow> leftMetrics,
      RunRecord right,
      List<MetricsRow> rightMetrics) {
    return new RunDiff(
        left.id(),
        right.id(),
        differences(flat(left.recipe()), flat(right.recipe())),
        results(measured(left, leftMetrics), measured(right, rightMetrics)));
  }

  /** The keys whose values differ between two recipes, in the order of the first. */
  public static List<Difference> recipes(String leftYaml, String rightYaml) {
    return differences(flat(leftYaml), flat(rightYaml));
  }

  private static List<Difference> differences(
      SequencedMap<String, String> left, SequencedMap<String, String> right) {
    SequencedSet<String> keys = new LinkedHashSet<>(left.sequencedKeySet());
    keys.addAll(right.sequencedKeySet());
    List<Difference> differences = new ArrayList<>();
    for (String key : keys) {
      Optional<String> first = Optional.ofNullable(left.get(key));
      Optional<String> second = Optional.ofNullable(right.get(key));
      if (!first.equals(second)) {
        differences.add(new Difference(key, first, second));
      }
    }
    return differences;
  }

  private static List<Result> results(
      SequencedMap<String, Double> left, SequencedMap<String, Double> right) {
    SequencedSet<String> names = new LinkedHashSet<>(left.sequencedKeySet());
    names.addAll(right.sequencedKeySet());
    return names.stream()
        .map(name -> new Result(name, optional(left.get(name)), optional(right.get(name))))
        .toList();
  }

  private static OptionalDouble optional(@Nullable Double value) {
    return value == null ? OptionalDouble.empty() : OptionalDouble.of(value);
  }

  private static SequencedMap<String, Double> measured(RunRecord run, List<MetricsRow> rows) {
    SequencedMap<String, Double> values = new LinkedHashMap<>();
    if (!rows.isEmpty()) {
      MetricsRow last = rows.getLast();
      values.put("steps", (double) last.step());
      values.put("train_loss", last.trainLoss());
      run.progress().validationLoss().ifPresent(loss -> values.put("validation_loss", loss));
      rows.stream()
          .flatMap(row -> row.validationLoss().stream().boxed())
          .min(Comparator.naturalOrder())
          .ifPresent(loss -> values.put("best_validation_loss", loss));
      values.put("tokens_total", (double) rows.stream().mapToLong(r -> r.tokens().total()).sum());
      values.put("tokens_per_second_median", median(rows));
      values.put(
          "peak_bytes",
          (double) rows.stream().mapToLong(row -> row.usage().peakBytes()).max().orElse(0));
      values.put("elapsed_seconds", last.elapsedNanos() / 1e9);
    }
    run.summary()
        .forEach((name, value) -> {
          if (value instanceof Number number) {
            values.putIfAbsent(name, number.doubleValue());
          }
        });
    return values;
  }

  private static double median(List<MetricsRow> rows) {
    double[] sorted = rows.stream().mapToDouble(row -> row.tokens().perSecond()).sorted().toArray();
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  /** Every leaf of the recipe under its dotted key; a list is one leaf. */
  private static SequencedMap<String, String> flat(String yaml) {
    SequencedMap<String, String> leaves = new LinkedHashMap<>();
    try {
      flatten("", new YAMLMapper().readTree(yaml), leaves);
    } catch (JacksonException e) {
      // The text came from Lorikeet itself, so this is a recipe of a later version: show it whole.
      leaves.put("recipe", yaml);
    }
    return leaves;
  }

  private static void flatten(String prefix, JsonNode node, Map<String, String> leaves) {
    if (!node.isObject()) {
      leaves.put(prefix, node.isString() ? node.stringValue() : node.toString());
      return;
    }
    node.properties()
        .forEach(entry ->
            flatten(
                prefix.isEmpty() ? entry.getKey() : prefix + "." + entry.getKey(),
                entry.getValue(),
                leaves));
  }
}
