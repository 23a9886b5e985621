package dev.lorikeet.metric;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * One metric's score of one item.
 *
 * @param value finite
 * @param parts counts that a metric of the whole set adds up over its items (n-grams found,
 *     tokens); empty for metrics that are means. Keeps its order
 */
public record ItemScore(double value, Map<String, Double> parts) {

  public ItemScore {
    if (!Double.isFinite(value)) {
      throw new IllegalStateException("a score of " + value);
    }
    parts = Collections.unmodifiableMap(new LinkedHashMap<>(parts));
  }

  public static ItemScore of(double value) {
    return new ItemScore(value, Map.of());
  }

  /** 1 or 0. */
  public static ItemScore right(boolean right) {
    return of(right ? 1 : 0);
  }

  /** The part {@code name}, 0 where it is absent. */
  public double part(String name) {
    return parts.getOrDefault(name, 0.0);
  }
}
