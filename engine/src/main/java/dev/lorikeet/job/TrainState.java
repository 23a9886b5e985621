package dev.lorikeet.job;

import dev.lorikeet.train.BadStep;
import dev.lorikeet.train.Evaluation;
import dev.lorikeet.train.RunningMeans;
import dev.lorikeet.train.StepReport;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * How far a training has come, besides weights and optimiser. Examples, dropout masks and learning
 * rate follow from step and recipe, so the step is the data cursor and the state of every
 * generator.
 *
 * @param step steps so far, skipped ones included
 * @param skipped steps without an update
 * @param lastSkipped how many of them came last, those not counted that only set the loss scale
 * @param tokens tokens read
 * @param elapsedNanos time spent, over all processes
 * @param trainLoss loss of the last update's step, nats a token
 * @param before the untouched model over the held-out examples
 * @param latest the newest validation
 * @param best the validation with the lowest loss, that of the untouched model left out
 * @param evaluationsWithoutGain validations since the last one that was better by the minimum
 * @param means running means of the good steps
 */
record TrainState(
    long step,
    long skipped,
    int lastSkipped,
    long tokens,
    long elapsedNanos,
    OptionalDouble trainLoss,
    Optional<Evaluation> before,
    Optional<Evaluation> latest,
    Optional<Best> best,
    int evaluationsWithoutGain,
    RunningMeans means) {

  /** A validation and the step after which it was made. */
  record Best(long step, Evaluation evaluation) {}

  /** Before the first step. */
  static final TrainState START =
      new TrainState(
          0,
          0,
          0,
          0,
          0,
          OptionalDouble.empty(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          0,
          RunningMeans.EMPTY);

  /** Updates of the weights so far. */
  long updates() {
    return step - skipped;
  }

  /** The state after an update. */
  TrainState after(StepReport report, long nanos) {
    return new TrainState(
        step + 1,
        skipped,
        0,
        tokens + report.tokens(),
        nanos,
        OptionalDouble.of(report.loss()),
        before,
        latest,
        best,
        evaluationsWithoutGain,
        means.with(report));
  }

  /** The state after a step that was left out. */
  TrainState without(BadStep bad, long nanos) {
    return new TrainState(
        step + 1,
        skipped + 1,
        bad.cause() == BadStep.Cause.OVERFLOW ? lastSkipped : lastSkipped + 1,
        tokens + bad.measured().tokens(),
        nanos,
        trainLoss,
        before,
        latest,
        best,
        evaluationsWithoutGain,
        means);
  }

  /**
   * The state after a validation.
   *
   * @param minimumGain nats by which a validation has to be better to count as a gain
   */
  TrainState evaluated(Evaluation evaluation, double minimumGain, long nanos) {
    boolean first = step == 0;
    double lowest = best.map(old -> old.evaluation().loss()).orElse(Double.POSITIVE_INFINITY);
    boolean better = !first && evaluation.loss() < lowest;
    boolean gain = first || lowest - evaluation.loss() > minimumGain;
    return new TrainState(
        step,
        skipped,
        lastSkipped,
        tokens,
        nanos,
        trainLoss,
        first ? Optional.of(evaluation) : before,
        Optional.of(evaluation),
        better ? Optional.of(new Best(step, evaluation)) : best,
        gain ? 0 : evaluationsWithoutGain + 1,
        means);
  }

  /** Whether the newest validation is the best one. */
  boolean atBest() {
    return best.isPresent() && best.get().step() == step;
  }
}
