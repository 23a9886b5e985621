package dev.lorikeet.stat;

import java.util.Locale;

/** A range of values, both ends included. */
public record Interval(double low, double high) {

  public Interval {
    if (!(low <= high)) {
      throw new IllegalStateException("an interval from " + low + " to " + high);
    }
  }

  /** The interval {@code half} to both sides of {@code middle}; {@code half} is at least 0. */
  public static Interval around(double middle, double half) {
    return new Interval(middle - half, middle + half);
  }

  public boolean contains(double value) {
    return low <= value && value <= high;
  }

  /** The part inside {@code bounds}; an end outside of them is moved to them. */
  public Interval within(Interval bounds) {
    return new Interval(bounds.clamp(low), bounds.clamp(high));
  }

  /** Both ends moved towards {@code value} (or away from it), their distances times factor. */
  Interval scaledAround(double value, double factor) {
    return new Interval(value + (low - value) * factor, value + (high - value) * factor);
  }

  /** The ends with four digits, as in {@code 0.8211 to 0.9034}. */
  public String text() {
    return String.format(Locale.ROOT, "%.4f to %.4f", low, high);
  }

  private double clamp(double value) {
    return Math.clamp(value, low, high);
  }
}
