package dev.lorikeet.task;

import java.util.List;

/**
 * What a task is.
 *
 * @param name lm-evaluation-harness's name, with {@code @2023} for the definition of that year
 * @param version the harness's version of the definition
 * @param summary what is measured, in one sentence
 * @param metrics in the order of reports; the first is the main one
 * @param defaultShots examples in front of each document unless asked otherwise
 * @param shotRule which documents are those examples
 */
public record TaskInfo(
    String name,
    String version,
    String summary,
    Source source,
    List<Metric> metrics,
    int defaultShots,
    ShotRule shotRule) {

  public TaskInfo {
    metrics = List.copyOf(metrics);
    if (metrics.isEmpty()) {
      throw new IllegalArgumentException("task " + name + " has no metric");
    }
  }

  /**
   * Where a task comes from.
   *
   * @param dataset the data on the Hugging Face hub
   * @param licence licence of the data
   * @param paper address of the paper
   */
  public record Source(String dataset, String licence, String paper) {}

  /**
   * The metric called {@code metric}.
   *
   * @throws IllegalArgumentException if the task has none of that name
   */
  public Metric metric(String metric) {
    return metrics.stream()
        .filter(each -> each.name().equals(metric))
        .findFirst()
        .orElseThrow(
            () -> new IllegalArgumentException("task " + name + " has no metric " + metric));
  }
}
