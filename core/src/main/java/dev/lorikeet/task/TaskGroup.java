package dev.lorikeet.task;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Tasks that are asked together under one name.
 *
 * @param name lm-evaluation-harness's name of the group
 * @param version the harness's version of the group; empty where it has none
 * @param tasks names of the tasks in it
 * @param weighting how their scores become one
 */
public record TaskGroup(String name, String version, List<String> tasks, Weighting weighting) {
  /** How the scores of a group's tasks become one. */
  public enum Weighting {
    /** Every item counts alike. */
    BY_SIZE,
    /** Every task counts alike. */
    EQUAL,
    /** The group has no score of its own. */
    NONE
  }

  public TaskGroup {
    tasks = List.copyOf(tasks);
    if (tasks.isEmpty()) {
      throw new IllegalArgumentException("group " + name + " has no task");
    }
  }

  /**
   * The group's score: the mean of its tasks' scores, for each metric that all of them have.
   *
   * @param scores of exactly the tasks of the group, in any order
   * @throws IllegalArgumentException if a task is missing or the group has no score
   */
  public TaskScore score(List<TaskScore> scores) {
    if (weighting == Weighting.NONE) {
      throw new IllegalArgumentException("group " + name + " has no score of its own");
    }
    List<TaskScore> ours =
        scores.stream().filter(score -> tasks.contains(score.name())).distinct().toList();
    if (ours.size() != tasks.size()) {
      throw new IllegalArgumentException(
          "group %s has %d tasks, found scores of %d".formatted(name, tasks.size(), ours.size()));
    }
    Map<String, Double> means = new LinkedHashMap<>();
    for (String metric : ours.getFirst().metrics().keySet()) {
      if (ours.stream().allMatch(score -> score.metrics().containsKey(metric))) {
        means.put(metric, mean(ours, metric));
      }
    }
    return new TaskScore(name, ours.stream().mapToInt(TaskScore::items).sum(), means);
  }

  private double mean(List<TaskScore> scores, String metric) {
    double sum = 0;
    double weights = 0;
    for (TaskScore score : scores) {
      double weight = weighting == Weighting.BY_SIZE ? score.items() : 1;
      sum += score.metrics().getOrDefault(metric, Double.NaN) * weight;
      weights += weight;
    }
    return sum / weights;
  }
}
