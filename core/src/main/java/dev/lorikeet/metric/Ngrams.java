package dev.lorikeet.metric;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Sequences of n neighbouring tokens and how often each occurs. */
final class Ngrams {
  private Ngrams() {}

  /** Counts of the n-grams of {@code tokens}; none where there are fewer than n. */
  static <T> Map<List<T>, Integer> count(List<T> tokens, int n) {
    Map<List<T>, Integer> counts = new HashMap<>();
    for (int i = 0; i + n <= tokens.size(); i++) {
      counts.merge(tokens.subList(i, i + n), 1, Integer::sum);
    }
    return counts;
  }

  /** How many n-grams two bags have in common: the sum of the smaller counts. */
  static <T> int shared(Map<List<T>, Integer> some, Map<List<T>, Integer> others) {
    int shared = 0;
    for (Map.Entry<List<T>, Integer> entry : some.entrySet()) {
      shared += Math.min(entry.getValue(), others.getOrDefault(entry.getKey(), 0));
    }
    return shared;
  }

  static <T> int total(Map<List<T>, Integer> counts) {
    return counts.values().stream().mapToInt(Integer::intValue).sum();
  }
}
