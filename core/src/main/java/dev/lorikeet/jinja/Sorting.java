package dev.lorikeet.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** Python's {@code sorted()}: stable, and asking for nothing but {@code <}. */
final class Sorting {
  private Sorting() {}

  private record Keyed<T>(T item, Value key) {}

  /** The items by their keys. Unlike the JDK's sort it bears an order that contradicts itself. */
  static <T> List<T> sorted(
      List<T> items, Function<T, Value> key, boolean isReverse, Budget budget) {
    budget.items(items.size());
    List<Keyed<T>> keyed = new ArrayList<>(items.size());
    items.forEach(item -> keyed.add(new Keyed<>(item, key.apply(item))));
    List<Keyed<T>> sorted = merge(isReverse ? keyed.reversed() : keyed, budget);
    List<T> result = new ArrayList<>(items.size());
    (isReverse ? sorted.reversed() : sorted).forEach(one -> result.add(one.item()));
    return result;
  }

  private static <T> List<Keyed<T>> merge(List<Keyed<T>> items, Budget budget) {
    if (items.size() < 2) {
      return items;
    }
    int half = items.size() / 2;
    List<Keyed<T>> left = merge(items.subList(0, half), budget);
    List<Keyed<T>> right = merge(items.subList(half, items.size()), budget);
    List<Keyed<T>> merged = new ArrayList<>(items.size());
    int i = 0;
    int j = 0;
    while (i < left.size() && j < right.size()) {
      boolean isRightFirst = Comparison.ordered("<", right.get(j).key(), left.get(i).key(), budget);
      merged.add(isRightFirst ? right.get(j++) : left.get(i++));
    }
    merged.addAll(left.subList(i, left.size()));
    merged.addAll(right.subList(j, right.size()));
    return merged;
  }
}
