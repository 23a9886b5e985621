package dev.lorikeet.task;

import java.util.List;
import java.util.Map;

/**
 * A document of a task as it is put to a model.
 *
 * @param id position of the document in its file, from 0
 * @param requests at least one
 * @param expected the right answer in words, for reports
 * @param scoring from answers to values
 */
public record Item(String id, List<Request> requests, String expected, Scoring scoring) {
  public Item {
    requests = List.copyOf(requests);
    if (requests.isEmpty()) {
      throw new IllegalArgumentException("item " + id + " asks nothing");
    }
  }

  /** From the answers to an item's requests, in their order, to a value for each metric. */
  @FunctionalInterface
  public interface Scoring {
    Map<String, MetricValue> score(List<Answer> answers);
  }

  /**
   * Values by metric name.
   *
   * @param answers one for each request, in their order
   */
  public Map<String, MetricValue> score(List<Answer> answers) {
    if (answers.size() != requests.size()) {
      throw new IllegalArgumentException(
          "item %s has %d requests, found %d answers"
              .formatted(id, requests.size(), answers.size()));
    }
    return scoring.score(answers);
  }
}
