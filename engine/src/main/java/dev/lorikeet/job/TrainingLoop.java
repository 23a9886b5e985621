package dev.lorikeet.job;

import dev.lorikeet.config.TrainSettings;
import dev.lorikeet.config.TrainSettings.BadStepPolicy;
import dev.lorikeet.data.BatchPlan;
import dev.lorikeet.data.Batches;
import dev.lorikeet.data.DataSet;
import dev.lorikeet.error.RunException;
import dev.lorikeet.job.FineTuneResult.End;
import dev.lorikeet.job.RunListener.Start;
import dev.lorikeet.train.BadStep;
import dev.lorikeet.train.Evaluation;
import dev.lorikeet.train.StepReport;
import dev.lorikeet.train.Trainer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The steps of one run, from a state to its end: step, validation, record, checkpoint. A checkpoint
 * comes last in a step, so that a run that goes on from it repeats nothing and leaves nothing out.
 */
final class TrainingLoop {
  private static final int MOST_BAD_STEPS_IN_A_ROW = 10;

  private final TrainSettings settings;
  private final Job job;
  private final Batches batches;
  private final Validation validation;
  private final long startNanos = System.nanoTime();
  private final long elapsedBefore;
  private final long firstStep;
  private long stepNanos;
  private TrainState state;
  private OptionalLong savedAt;

  /**
   * What the loop works with; all of it belongs to the caller.
   *
   * @param plan which examples each step sees
   * @param data training and held-out examples
   * @param trainer does the steps
   * @param lastGood copies of an adapter's values
   * @param checkpoints where the run can go on from
   * @param recorder writes down
   * @param listener hears
   * @param stop asks to end early
   * @param start what the listener was told
   */
  record Job(
      BatchPlan plan,
      DataSet data,
      Trainer trainer,
      LastGood lastGood,
      Checkpoints checkpoints,
      RunRecorder recorder,
      RunListener listener,
      StopSignal stop,
      Start start) {}

  /** A loop that goes on from {@code state}, whose weights and optimiser the trainer has. */
  TrainingLoop(TrainSettings settings, Job job, TrainState state) {
    this.settings = settings;
    this.job = job;
    this.state = state;
    batches = new Batches(job.plan(), job.data().train());
    validation = new Validation(settings, job.plan(), job.data().validation(), job.trainer());
    elapsedBefore = state.elapsedNanos();
    firstStep = state.step();
    savedAt = state.step() == 0 ? OptionalLong.empty() : OptionalLong.of(state.step());
  }

  /**
   * Trains until the plan's end, a stop, or too long without a gain.
   *
   * @throws RunException if a step cannot be done and may not be left out
   */
  End run() {
    if (state.step() == 0 && validation.possible() && !job.stop().requested()) {
      evaluate();
    }
    while (state.step() < job.plan().steps() && !hasStalled() && !job.stop().requested()) {
      step();
    }
    End end = end();
    if (savedAt.orElse(-1) != state.step()) {
      job.checkpoints().requireFinite(state.step());
      if (end == End.STOPPED) {
        writeCheckpoint();
      } else {
        tryCheckpoint();
      }
    }
    return end;
  }

  private End end() {
    if (state.step() >= job.plan().steps()) {
      return End.COMPLETE;
    }
    return hasStalled() ? End.EARLY : End.STOPPED;
  }

  private boolean hasStalled() {
    return settings.earlyStoppingPatience().isPresent()
        && state.evaluationsWithoutGain() >= settings.earlyStoppingPatience().getAsInt();
  }

  /** How far the training has come. */
  TrainState state() {
    return state;
  }

  private void step() {
    job.lastGood().beforeStep();
    StepReport report =
        switch (job.trainer()
            .attempt(
                batches.batch(state.step()),
                state.means().limits(settings.spikeFactor(), settings.gradNormSpikeFactor()))) {
          case StepReport done -> {
            job.lastGood().afterStep(state.updates() + 1);
            state = state.after(done, elapsedNanos());
            yield done;
          }
          case BadStep bad -> {
            leaveOut(bad);
            yield bad.measured();
          }
        };
    stepNanos += report.stepNanos();
    job.listener().step(report, job.start(), left());
    Optional<Evaluation> evaluation =
        validation.due(state.step()) ? Optional.of(evaluate()) : Optional.empty();
    double epoch = (double) state.step() / job.plan().stepsPerEpoch();
    job.recorder().step(report, epoch, evaluation, elapsedNanos());
    if (checkpointDue(evaluation.isPresent())) {
      job.checkpoints().requireFinite(state.step());
      tryCheckpoint();
    }
  }

  private void leaveOut(BadStep bad) {
    boolean expected = bad.cause() == BadStep.Cause.OVERFLOW;
    if (settings.onBadStep() == BadStepPolicy.STOP && !expected) {
      throw new RunException(bad.stopMessage());
    }
    state = state.without(bad, elapsedNanos());
    job.recorder().warning(bad.skipMessage());
    job.listener().notice(bad.skipMessage());
    if (!expected && state.lastSkipped() >= MOST_BAD_STEPS_IN_A_ROW) {
      throw new RunException(
          "%d steps in a row were bad and left out, the last one: %s"
              .formatted(state.lastSkipped(), bad.stopMessage()));
    }
  }

  private Evaluation evaluate() {
    Evaluation evaluation = validation.run(state.step());
    state = state.evaluated(evaluation, settings.earlyStoppingMinDelta(), elapsedNanos());
    job.listener().validated(state.step(), evaluation);
    job.recorder().validated(state.step(), evaluation);
    return evaluation;
  }

  private boolean checkpointDue(boolean evaluated) {
    int every =
        settings.checkpointSteps().isPresent()
            ? settings.checkpointSteps().getAsInt()
            : job.plan().stepsPerEpoch();
    return state.step() % every == 0 || (evaluated && state.atBest());
  }

  /** A checkpoint that cannot be written is no reason to lose the training as well. */
  private void tryCheckpoint() {
    try {
      writeCheckpoint();
    } catch (RunException failure) {
      String text =
          "the checkpoint after step %d was not written, and training goes on without it: %s"
              .formatted(state.step(), failure.getMessage());
      job.recorder().warning(text);
      job.listener().notice(text);
    }
  }

  private void writeCheckpoint() {
    job.recorder().force();
    Path written = job.checkpoints().write(state);
    savedAt = OptionalLong.of(state.step());
    job.recorder().log("checkpoint " + written.getFileName());
  }

  private long elapsedNanos() {
    return elapsedBefore + System.nanoTime() - startNanos;
  }

  private Duration left() {
    double perStep = (double) stepNanos / (state.step() - firstStep);
    return Duration.ofNanos((long) (perStep * (job.plan().steps() - state.step())));
  }
}
