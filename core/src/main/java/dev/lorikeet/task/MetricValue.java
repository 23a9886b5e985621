package dev.lorikeet.task;

/**
 * What one item adds to a metric.
 *
 * @param value the item's value, for example 0 or 1, or a log-probability
 * @param weight what the value is spread over: 1 item, or words or bytes of a text
 */
public record MetricValue(double value, double weight) {
  /** The value of one item. */
  public static MetricValue of(double value) {
    return new MetricValue(value, 1);
  }

  /** 1 for right, 0 for wrong. */
  static MetricValue of(boolean isRight) {
    return of(isRight ? 1 : 0);
  }
}
