package dev.lorikeet.train;

import java.util.Optional;

/**
 * What a step may reach at most to be done.
 *
 * @param loss highest mean loss, in nats a token
 * @param gradNorm longest gradient before clipping
 */
public record StepLimits(double loss, double gradNorm) {
  /** Every finite number is allowed. */
  public static final StepLimits NONE =
      new StepLimits(Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY);

  Optional<BadStep.Cause> broken(double foundLoss, double foundNorm) {
    if (!Double.isFinite(foundLoss) || !Double.isFinite(foundNorm)) {
      return Optional.of(BadStep.Cause.NOT_FINITE);
    }
    if (foundLoss > loss) {
      return Optional.of(BadStep.Cause.LOSS_SPIKE);
    }
    return foundNorm > gradNorm ? Optional.of(BadStep.Cause.GRADIENT_SPIKE) : Optional.empty();
  }
}
