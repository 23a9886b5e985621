package dev.lorikeet.task;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Documents that are asked, and what the answers are worth. */
public interface Task {
  /** What the task is. */
  TaskInfo info();

  /**
   * The items in the order in which lm-evaluation-harness asks them, so that its {@code --limit n}
   * means the first n.
   *
   * @param shots examples in front of each document, at least 0
   * @throws dev.lorikeet.error.DataException if a file is missing or not as expected
   * @throws dev.lorikeet.error.ConfigException if the task does not take that many examples
   */
  List<Item> items(TaskData data, int shots);

  /**
   * The score over items.
   *
   * @param values what {@link Item#score} gave for each item, at least one
   */
  default TaskScore score(List<Map<String, MetricValue>> values) {
    Map<String, Double> scores = new LinkedHashMap<>();
    for (Metric metric : info().metrics()) {
      List<MetricValue> column =
          values.stream().map(value -> required(value, metric.name())).toList();
      scores.put(metric.name(), metric.aggregation().of(column));
    }
    return new TaskScore(info().name(), values.size(), scores);
  }

  private static MetricValue required(Map<String, MetricValue> values, String metric) {
    MetricValue value = values.get(metric);
    if (value == null) {
      throw new IllegalArgumentException("an item has no value of " + metric);
    }
    return value;
  }
}
