package dev.lorikeet.metric;

import java.util.List;
import java.util.function.ToDoubleFunction;

/** How the scores of many items become one. */
public sealed interface Aggregation {

  /** Mean of graded scores. */
  record Mean() implements Aggregation {}

  /** Share of items that score 1; the others score 0. */
  record Share() implements Aggregation {}

  /**
   * A function of parts that are added up over the items, as BLEU is one of counts.
   *
   * @param parts names of the parts that {@code value} reads
   * @param value the score, of the sums in the order of {@code parts}
   */
  record OfSums(List<String> parts, ToDoubleFunction<double[]> value) implements Aggregation {
    public OfSums {
      parts = List.copyOf(parts);
    }
  }
}
