package dev.lorikeet.task;

import java.util.List;

/** How the values v and weights w of n items become one score. */
public enum Aggregation {
  /** Σv / n. */
  MEAN,
  /** exp(−Σv / n), v the log-probability of an item. */
  PERPLEXITY,
  /** exp(−Σv / Σw), w the words or bytes of an item. */
  WEIGHTED_PERPLEXITY,
  /** −Σv / (Σw · ln 2), w the bytes of an item. */
  BITS_PER_BYTE;

  /**
   * The score of {@code values}.
   *
   * @throws IllegalArgumentException if there is none
   */
  public double of(List<MetricValue> values) {
    if (values.isEmpty()) {
      throw new IllegalArgumentException("no values to aggregate");
    }
    double sum = 0;
    double weights = 0;
    for (MetricValue value : values) {
      sum += value.value();
      weights += value.weight();
    }
    return switch (this) {
      case MEAN -> sum / values.size();
      case PERPLEXITY -> Math.exp(-sum / values.size());
      case WEIGHTED_PERPLEXITY -> Math.exp(-sum / weights);
      case BITS_PER_BYTE -> -sum / weights / Math.log(2);
    };
  }
}
