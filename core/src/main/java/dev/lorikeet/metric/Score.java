package dev.lorikeet.metric;

import dev.lorikeet.stat.Direction;
import dev.lorikeet.stat.Estimate;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * One metric's score of a file.
 *
 * @param metric the metric as it was asked for, with its options
 * @param details numbers that explain the score, by name; keeps its order
 */
public record Score(
    String metric, Direction direction, Estimate estimate, Map<String, Double> details) {

  public Score {
    details = Collections.unmodifiableMap(new LinkedHashMap<>(details));
  }
}
