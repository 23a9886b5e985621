package dev.lorikeet.bench.gpu;

import java.util.Locale;
import java.util.OptionalDouble;

/**
 * A ratio that is aimed at, and what was found.
 *
 * @param what the ratio
 * @param sense on which side of the limit it shall be
 * @param found empty if it was not measured
 */
record GpuTarget(String what, Sense sense, double limit, OptionalDouble found) {

  /** On which side of a limit a ratio shall be. */
  enum Sense {
    AT_LEAST("≥"),
    AT_MOST("≤");

    private final String sign;

    Sense(String sign) {
      this.sign = sign;
    }
  }

  /** The row of a table: what, wanted, found. */
  String row() {
    return String.format(Locale.ROOT, "| %s | %s %s | %s |", what, sense.sign, limit, verdict());
  }

  private String verdict() {
    if (found.isEmpty()) {
      return "not measured";
    }
    double ratio = found.getAsDouble();
    boolean met = sense == Sense.AT_LEAST ? ratio >= limit : ratio <= limit;
    return String.format(Locale.ROOT, "%.2f, %s", ratio, met ? "met" : "missed");
  }
}
