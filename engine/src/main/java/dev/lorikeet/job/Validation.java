package dev.lorikeet.job;

import dev.lorikeet.config.TrainSettings;
import dev.lorikeet.data.BatchPlan;
import dev.lorikeet.data.Examples;
import dev.lorikeet.error.RunException;
import dev.lorikeet.train.Evaluation;
import dev.lorikeet.train.Trainer;
import java.time.Duration;

/** When and how the held-out examples are asked. */
final class Validation {
  private final TrainSettings settings;
  private final BatchPlan plan;
  private final Examples heldOut;
  private final Trainer trainer;
  private long lastNanos = System.nanoTime();

  Validation(TrainSettings settings, BatchPlan plan, Examples heldOut, Trainer trainer) {
    this.settings = settings;
    this.plan = plan;
    this.heldOut = heldOut;
    this.trainer = trainer;
  }

  /** Whether anything is held out. */
  boolean possible() {
    return !heldOut.isEmpty();
  }

  /** Whether it is time for a validation after {@code step} steps. */
  boolean due(long step) {
    if (!possible()) {
      return false;
    }
    boolean bySteps = settings.evalSteps().isPresent();
    boolean bySeconds = settings.evalSeconds().isPresent();
    long seconds = Duration.ofNanos(System.nanoTime() - lastNanos).toSeconds();
    return step == plan.steps()
        || (bySteps && step % settings.evalSteps().getAsInt() == 0)
        || (bySeconds && seconds >= settings.evalSeconds().getAsInt())
        || (!bySteps && !bySeconds && step % plan.stepsPerEpoch() == 0);
  }

  /**
   * Asks the model as it is after {@code step} steps.
   *
   * @throws RunException if the loss is not a number
   */
  Evaluation run(long step) {
    Evaluation evaluation = trainer.evaluate(heldOut, settings.microBatchExamples());
    lastNanos = System.nanoTime();
    if (!Double.isFinite(evaluation.loss())) {
      throw new RunException(
          step == 0
              ? "the untouched model's loss over the held-out examples is %s: its weights hold values that are not numbers, or are damaged; download the model again."
                  .formatted(evaluation.loss())
              : "after step %d the loss over the held-out examples is %s, so training was stopped. A lower learning_rate or max_grad_norm, or more warmup_steps, is the usual remedy."
                  .formatted(step, evaluation.loss()));
    }
    return evaluation;
  }
}
