package dev.lorikeet.metric;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.stat.Estimate;
import dev.lorikeet.stat.Interval;
import java.math.BigDecimal;
import java.util.Arrays;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What a metric is to reach, as {@code exact_match: ">= 0.9"} says.
 *
 * @param metric name of the metric, with options where several have that name
 * @param goal finite
 */
public record Target(String metric, Relation relation, double goal) {
  private static final Pattern FORM =
      Pattern.compile("\\s*(>=|<=|>|<|≥|≤)\\s*([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)\\s*(%)?\\s*");

  public Target {
    if (!Double.isFinite(goal)) {
      throw new IllegalStateException("a target of " + goal);
    }
  }

  /** On which side of the goal a score has to be. */
  public enum Relation {
    AT_LEAST(">="),
    ABOVE(">"),
    AT_MOST("<="),
    BELOW("<");

    private final String sign;

    Relation(String sign) {
      this.sign = sign;
    }

    /** The sign as targets write it. */
    public String sign() {
      return sign;
    }

    /** Whether {@code value} stands in this relation to {@code goal}. */
    public boolean holds(double value, double goal) {
      return switch (this) {
        case AT_LEAST -> value >= goal;
        case ABOVE -> value > goal;
        case AT_MOST -> value <= goal;
        case BELOW -> value < goal;
      };
    }

    private static Relation of(String sign) {
      String plain = sign.replace("≥", ">=").replace("≤", "<=");
      return Arrays.stream(values())
          .filter(relation -> relation.sign.equals(plain))
          .findFirst()
          .orElseThrow(() -> new IllegalStateException(sign));
    }
  }

  /** Whether a target was reached. */
  public enum Outcome {
    /** Score and whole interval are on the right side. */
    REACHED("reached"),
    /** Score and whole interval are on the wrong side. */
    NOT_REACHED("not reached"),
    /** The interval has values on both sides, or is not known. */
    NOT_CERTAIN("not certain");

    private final String words;

    Outcome(String words) {
      this.words = words;
    }

    /** The outcome in a report's words. */
    public String words() {
      return words;
    }
  }

  /**
   * The target that a recipe gives {@code metric}.
   *
   * @param text such as {@code >= 0.9}, {@code < 12}, {@code >= 90 %}
   * @throws ConfigException if it cannot be read
   */
  public static Target parse(String metric, String text) {
    Matcher form = FORM.matcher(text);
    if (form.matches()) {
      try {
        BigDecimal number = new BigDecimal(form.group(2));
        double goal = (form.group(3) == null ? number : number.movePointLeft(2)).doubleValue();
        if (Double.isFinite(goal)) {
          return new Target(metric, Relation.of(form.group(1)), goal);
        }
      } catch (NumberFormatException notNumber) {
        // Told below, with what was found.
      }
    }
    String signs =
        Arrays.stream(Relation.values()).map(Relation::sign).collect(Collectors.joining(", "));
    throw new ConfigException(
        "targets."
            + metric
            + " must be one of "
            + signs
            + " and a number, as in \">= 0.9\"; found \""
            + text
            + "\"");
  }

  /** Whether {@code estimate} is on the right side, by itself and with its whole interval. */
  public Outcome outcome(Estimate estimate) {
    Optional<Interval> range = estimate.interval();
    if (range.isEmpty()) {
      return Outcome.NOT_CERTAIN;
    }
    boolean low = relation.holds(range.get().low(), goal);
    boolean high = relation.holds(range.get().high(), goal);
    boolean value = relation.holds(estimate.value(), goal);
    if (low != high || value != low) {
      return Outcome.NOT_CERTAIN;
    }
    return value ? Outcome.REACHED : Outcome.NOT_REACHED;
  }

  /** As in {@code exact_match >= 0.9: not certain, 0.9167 (95 % 0.8193 to 0.9639, n = 60)}. */
  public String report(Estimate estimate) {
    Outcome outcome = outcome(estimate);
    String side =
        relation.holds(estimate.value(), goal)
            ? " (the score itself reaches it)"
            : " (the score itself does not reach it)";
    return "%s %s %s: %s, %s%s"
        .formatted(
            metric,
            relation.sign(),
            BigDecimal.valueOf(goal).stripTrailingZeros().toPlainString(),
            outcome.words(),
            estimate.text(),
            outcome == Outcome.NOT_CERTAIN ? side : "");
  }
}
