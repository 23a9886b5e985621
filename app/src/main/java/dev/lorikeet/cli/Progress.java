package dev.lorikeet.cli;

import dev.lorikeet.job.RunListener;
import dev.lorikeet.train.Evaluation;
import dev.lorikeet.train.StepReport;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Tells on standard error how a training goes, and remembers what its command reports at the end.
 */
final class Progress implements RunListener {
  private final Console console;
  private final ProgressLine line;
  private final List<String> notices = new ArrayList<>();
  private Optional<Start> start = Optional.empty();
  private long tokens;
  private long stepNanos;

  Progress(Console console) {
    this.console = console;
    line = new ProgressLine(console);
  }

  @Override
  public void notice(String text) {
    notices.add(text);
    say("note: " + text);
  }

  @Override
  public void started(Start start) {
    this.start = Optional.of(start);
    say(
        "training %s of %s parameters (%s)"
            .formatted(
                Amounts.count(start.trainableParameters()),
                Amounts.count(start.totalParameters()),
                Amounts.percent((double) start.trainableParameters() / start.totalParameters())));
    say(
        "%s examples, %s held out, %s steps"
            .formatted(
                Amounts.count(start.trainExamples()),
                Amounts.count(start.validationExamples()),
                Amounts.count(start.steps())));
    say("run folder " + start.directory());
  }

  @Override
  public void step(StepReport report, Start start, Duration left) {
    step(report, start.steps(), left);
  }

  /** A step of a training that has {@code steps} of them. */
  void step(StepReport report, long steps, Duration left) {
    tokens += report.tokens();
    stepNanos += report.stepNanos();
    String text =
        "step %d/%d  loss %s  %s  %s left"
            .formatted(
                report.step(),
                steps,
                RunText.number(report.loss()),
                Amounts.tokensPerSecond(tokensPerSecond()),
                Amounts.duration(left));
    line.show(report.step(), steps, text);
    if (report.step() == steps) {
      line.end();
    }
  }

  @Override
  public void validated(long step, Evaluation evaluation) {
    String when = step == 0 ? "before training" : "after step " + step;
    say(
        "validation %s: loss %s, perplexity %s, accuracy %s"
            .formatted(
                when,
                RunText.number(evaluation.loss()),
                RunText.number(evaluation.perplexity()),
                Amounts.percent(evaluation.accuracy())));
  }

  @Override
  public void resumed(long step) {
    say(step == 0 ? "beginning again at step 1" : "going on after step " + step);
  }

  /** Prints a line of its own. */
  void say(String text) {
    line.end();
    console.message(text);
  }

  /** Leaves the progress line as it stands, whatever comes next. */
  void end() {
    line.end();
  }

  /** What the user was told besides the numbers. */
  final List<String> notices() {
    return List.copyOf(notices);
  }

  /** What the training began with, once it did. */
  final Optional<Start> start() {
    return start;
  }

  /** Tokens read a second over all steps so far, validation left out. */
  final double tokensPerSecond() {
    return stepNanos == 0 ? 0 : tokens / (stepNanos * 1e-9);
  }
}
