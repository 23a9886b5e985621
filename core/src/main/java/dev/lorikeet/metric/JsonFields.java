package dev.lorikeet.metric;

import dev.lorikeet.error.DataException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import tools.jackson.databind.JsonNode;

/**
 * How many fields of the expected JSON the answer has, and how many it has besides: F1 over all
 * fields of all items, with precision, recall and F1 of each field.
 *
 * <p>A field is a path to a value that is no object or list, as {@code customer.name}; elements of
 * lists share the path {@code items[].price}. An empty object or list is a value. A field is found
 * where path and value are equal: numbers by value (1 and 1.0), everything else exactly. A wrong
 * value misses the expected one and adds another one. Lists are compared position by position, or
 * as bags of values without order. An answer that is not JSON has no field. Of several expected
 * answers the one with the best F1 counts.
 *
 * <p>Precision TP/(TP+FP), recall TP/(TP+FN), F1 2TP/(2TP+FP+FN); 1 where nothing was expected and
 * nothing came.
 *
 * <p>The usual micro-averaged F1 (van Rijsbergen 1979, Information Retrieval, chapter 7).
 */
final class JsonFields implements Metric {
  private static final String FOUND = "found";
  private static final String ADDED = "added";
  private static final String MISSED = "missed";

  /** Whether the order of a list matters. */
  enum Lists {
    ORDERED,
    UNORDERED
  }

  private final JsonText.Place place;
  private final Lists lists;
  private final Set<String> fields;

  /**
   * @param fields paths to look at, with all below them; all where there are none
   */
  JsonFields(JsonText.Place place, Lists lists, List<String> fields) {
    this.place = place;
    this.lists = lists;
    this.fields = Set.copyOf(fields);
  }

  @Override
  public String name() {
    return "json_fields";
  }

  @Override
  public Aggregation aggregation() {
    return new Aggregation.OfSums(
        List.of(FOUND, ADDED, MISSED), sums -> f1(sums[0], sums[1], sums[2]));
  }

  @Override
  public Map<String, Double> details(Map<String, Double> sums) {
    Map<String, Double> details = new LinkedHashMap<>();
    Set<String> names = new TreeSet<>();
    for (String part : sums.keySet()) {
      names.add(part.contains(":") ? part.substring(part.indexOf(':') + 1) : "");
    }
    for (String name : names) {
      String suffix = name.isEmpty() ? "" : ":" + name;
      double found = sums.getOrDefault(FOUND + suffix, 0.0);
      double added = sums.getOrDefault(ADDED + suffix, 0.0);
      double missed = sums.getOrDefault(MISSED + suffix, 0.0);
      details.put("precision" + suffix, share(found, found + added, missed));
      details.put("recall" + suffix, share(found, found + missed, added));
      details.put("f1" + suffix, f1(found, added, missed));
    }
    return details;
  }

  @Override
  public ItemScore score(Item item) {
    Map<String, Map<Object, Integer>> answer =
        JsonText.read(item.generation(), place).map(this::values).orElse(Map.of());
    return item.references().stream()
        .map(reference -> compared(values(expected(item, reference)), answer))
        .reduce((best, other) -> other.value() > best.value() ? other : best)
        .orElseThrow(() -> new IllegalStateException("item " + item.id() + " expects nothing"));
  }

  private static JsonNode expected(Item item, String reference) {
    return JsonText.read(reference, JsonText.Place.WHOLE)
        .orElseThrow(() ->
            new DataException(
                "Item "
                    + item.id()
                    + ": json_fields compares JSON, but the expected answer is none: "
                    + reference));
  }

  private static ItemScore compared(
      Map<String, Map<Object, Integer>> expected, Map<String, Map<Object, Integer>> answer) {
    Map<String, Double> parts = new TreeMap<>();
    Set<String> paths = new TreeSet<>(expected.keySet());
    paths.addAll(answer.keySet());
    for (String path : paths) {
      Map<Object, Integer> wanted = expected.getOrDefault(path, Map.of());
      Map<Object, Integer> given = answer.getOrDefault(path, Map.of());
      int found = 0;
      for (Map.Entry<Object, Integer> value : wanted.entrySet()) {
        found += Math.min(value.getValue(), given.getOrDefault(value.getKey(), 0));
      }
      add(parts, FOUND, path, found);
      add(parts, ADDED, path, total(given) - found);
      add(parts, MISSED, path, total(wanted) - found);
    }
    double value =
        f1(
            parts.getOrDefault(FOUND, 0.0),
            parts.getOrDefault(ADDED, 0.0),
            parts.getOrDefault(MISSED, 0.0));
    return new ItemScore(value, parts);
  }

  private static void add(Map<String, Double> parts, String kind, String path, int count) {
    parts.merge(kind, (double) count, Double::sum);
    if (count > 0) {
      parts.merge(kind + ":" + path, (double) count, Double::sum);
    }
  }

  private static int total(Map<Object, Integer> values) {
    return values.values().stream().mapToInt(Integer::intValue).sum();
  }

  /** By path, its values and how often each is there; an ordered list's values know their place. */
  private Map<String, Map<Object, Integer>> values(JsonNode root) {
    Map<String, Map<Object, Integer>> values = new HashMap<>();
    collect(root, "", List.of(), values);
    return values;
  }

  private void collect(
      JsonNode node, String path, List<Integer> places, Map<String, Map<Object, Integer>> values) {
    if (node.isObject() && !node.isEmpty()) {
      node.properties()
          .forEach(field ->
              collect(
                  field.getValue(),
                  path.isEmpty() ? field.getKey() : path + "." + field.getKey(),
                  places,
                  values));
    } else if (node.isArray() && !node.isEmpty()) {
      for (int i = 0; i < node.size(); i++) {
        List<Integer> below = new ArrayList<>(places);
        below.add(lists == Lists.ORDERED ? i : 0);
        collect(node.get(i), path + "[]", below, values);
      }
    } else if (isAsked(path)) {
      values
          .computeIfAbsent(path.isEmpty() ? "$" : path, _ -> new HashMap<>())
          .merge(List.of(places, comparable(node)), 1, Integer::sum);
    }
  }

  private boolean isAsked(String path) {
    return fields.isEmpty()
        || fields.stream()
            .anyMatch(field ->
                path.equals(field)
                    || path.startsWith(field + ".")
                    || path.startsWith(field + "[]"));
  }

  /** Equal for equal values: numbers without their spelling. */
  private static Object comparable(JsonNode node) {
    return node.isNumber() ? node.decimalValue().stripTrailingZeros() : node;
  }

  private static double share(double found, double all, double otherwise) {
    if (all == 0) {
      return otherwise == 0 ? 1 : 0;
    }
    return found / all;
  }

  private static double f1(double found, double added, double missed) {
    double all = 2 * found + added + missed;
    return all == 0 ? 1 : 2 * found / all;
  }
}
