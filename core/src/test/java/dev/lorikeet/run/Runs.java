package dev.lorikeet.run;

import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Objects;
import java.util.OptionalDouble;

/** Example values for the tests of this package. */
final class Runs {
  static final Clock CLOCK = Clock.fixed(Instant.parse("2026-11-22T18:42:33Z"), ZoneOffset.UTC);
  static final String RECIPE =
      """
      model: {path: nano, dtype: float32}
      adapter: {technique: lora, r: 8, target_modules: [q_proj, v_proj]}
      train: {learning_rate: 2.0e-4, max_steps: null}
      """;

  private Runs() {}

  static MetricsRow row(int step, double loss) {
    return row(step, loss, OptionalDouble.empty());
  }

  static MetricsRow row(int step, double loss, OptionalDouble validationLoss) {
    return new MetricsRow(
        step,
        step / 10.0,
        loss,
        validationLoss,
        OptionalDouble.empty(),
        2e-4,
        0.5,
        new MetricsRow.Tokens(30L * step, 40L * step, 100.0 * step),
        new MetricsRow.Usage(0.75, OptionalDouble.empty(), 1000, 2000L + step),
        step * 1_000_000_000L);
  }

  /** The message of an exception that has to have one. */
  static String message(Throwable failure) {
    return Objects.requireNonNull(failure.getMessage());
  }
}
