package dev.lorikeet.task;

/**
 * A number that a task reports.
 *
 * @param name lm-evaluation-harness's name; a filter of it follows behind an underscore, as in
 *     {@code exact_match_strict}
 */
public record Metric(String name, Aggregation aggregation, Better better) {
  /** Which direction is an improvement. */
  public enum Better {
    HIGHER,
    LOWER
  }

  /** Share of items whose most likely choice is right, or whose tokens are all greedy. */
  static final Metric ACC = new Metric("acc", Aggregation.MEAN, Better.HIGHER);

  /** As {@link #ACC} with log-probabilities divided by the characters of the choice. */
  static final Metric ACC_NORM = new Metric("acc_norm", Aggregation.MEAN, Better.HIGHER);
}
