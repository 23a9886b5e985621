package dev.lorikeet.kernel;

/**
 * Numbers of one step of gradient descent as torch.optim.SGD computes it with dampening 0: g ← g +
 * λp; b ← μb + g; p ← p − lr · b, or with Nesterov p ← p − lr · (g + μb).
 *
 * @param learningRate lr of this step
 * @param momentum μ
 * @param direction which of the two p takes
 * @param weightDecay λ, part of the gradient
 */
public record SgdStep(
    double learningRate, double momentum, Direction direction, double weightDecay) {

  /** Where a step with momentum goes. */
  public enum Direction {
    /** Along b. */
    MOMENTUM,
    /** Along g + μb (Sutskever et al. 2013). */
    NESTEROV
  }
}
