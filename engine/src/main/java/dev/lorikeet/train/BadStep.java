package dev.lorikeet.train;

import java.util.List;

/**
 * A step that was not done because its update would spoil the weights.
 *
 * @param measured what was measured; loss and gradient norm perhaps not numbers
 * @param cause what was wrong
 * @param examples ids of the step's examples
 */
public record BadStep(StepReport measured, Cause cause, List<Long> examples) implements StepResult {

  private static final String REMEDY =
      "A lower learning_rate or max_grad_norm, or more warmup_steps, is the usual remedy.";

  /** Why a step is bad. */
  public enum Cause {
    /** The gradient left the range of float16, and the next one will be scaled to half of it. */
    OVERFLOW(
        ": it is too long for float16 at the present loss scale, which is halved for the next step"),
    /** Loss or gradient is not a finite number. */
    NOT_FINITE(""),
    /** The loss is far above its running mean. */
    LOSS_SPIKE(", and the loss is over train.spike_factor times its running mean"),
    /** The gradient is far longer than its running mean. */
    GRADIENT_SPIKE(
        ", and the gradient is over train.grad_norm_spike_factor times its running mean");

    private final String told;

    Cause(String told) {
      this.told = told;
    }
  }

  public BadStep {
    examples = List.copyOf(examples);
  }

  /** The step and what was wrong, without a full stop. */
  public String told() {
    return "step %d: the loss is %s and the gradient's norm %s%s"
        .formatted(measured.step(), measured.loss(), measured.gradNorm(), cause.told);
  }

  /** Why a run ends at this step, what it saw, and what usually helps. */
  public String stopMessage() {
    return "%s, so training was stopped before this update. Examples of the step: %s. %s"
        .formatted(told(), examples, REMEDY);
  }

  /** That a run goes on without this step, and what it saw. */
  public String skipMessage() {
    return "%s, so this update was left out. Examples of the step: %s.".formatted(told(), examples);
  }
}
