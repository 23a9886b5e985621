package dev.lorikeet.task;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The result of a task or a group.
 *
 * @param name of the task or group
 * @param items how many items were scored, at least 1
 * @param metrics scores by metric name, in the task's order
 */
public record TaskScore(String name, int items, Map<String, Double> metrics) {
  public TaskScore {
    metrics = Collections.unmodifiableMap(new LinkedHashMap<>(metrics));
    if (items < 1) {
      throw new IllegalArgumentException(name + " was scored over no item");
    }
  }
}
