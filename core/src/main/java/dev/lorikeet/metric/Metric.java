package dev.lorikeet.metric;

import dev.lorikeet.stat.Direction;
import java.util.Map;
import java.util.Set;

/** A way to score answers. Stateless, so that it can be shared by threads. */
public interface Metric {

  /** Name in recipes, commands and result files, with {@code snake_case}. */
  String name();

  /** Which scores are better; the higher ones unless a metric says otherwise. */
  default Direction direction() {
    return Direction.HIGHER_IS_BETTER;
  }

  /** What has to be known of an item; a written answer and an expected one unless it says so. */
  default Set<Need> needs() {
    return Set.of(Need.GENERATION, Need.REFERENCES);
  }

  /**
   * Scores an item that has everything in {@link #needs}.
   *
   * @throws IllegalStateException if something of that is missing
   */
  ItemScore score(Item item);

  /** How item scores become the score of a file; a mean by default. */
  default Aggregation aggregation() {
    return new Aggregation.Mean();
  }

  /** Numbers that explain the score, by name, from the summed parts; none by default. */
  default Map<String, Double> details(Map<String, Double> sums) {
    return Map.of();
  }
}
