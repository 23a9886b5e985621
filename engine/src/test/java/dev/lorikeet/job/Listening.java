package dev.lorikeet.job;

import dev.lorikeet.train.StepReport;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Collects the notices of runs, and does something after one step of each. */
final class Listening implements RunListener {
  private static final long NEVER = -1;

  private final List<String> notices;
  private final long step;
  private final Runnable action;

  /** Adds what is said to {@code notices}. */
  Listening(List<String> notices) {
    this(notices, NEVER, () -> {});
  }

  /** Runs {@code action} after {@code step}. */
  Listening(long step, Runnable action) {
    this(new ArrayList<>(), step, action);
  }

  /** Does both. */
  Listening(List<String> notices, long step, Runnable action) {
    this.notices = notices;
    this.step = step;
    this.action = action;
  }

  @Override
  public void notice(String text) {
    notices.add(text);
  }

  @Override
  public void step(StepReport report, Start start, Duration left) {
    if (report.step() == step) {
      action.run();
    }
  }
}
