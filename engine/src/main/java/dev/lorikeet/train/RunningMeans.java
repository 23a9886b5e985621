package dev.lorikeet.train;

import java.util.OptionalDouble;

/**
 * Loss and gradient norm over the last good steps, as exponential means: mean ← 0.95 · mean + 0.05
 * · value, corrected for its start at 0 as Adam's means are.
 *
 * @param steps good steps so far
 * @param loss mean of the losses before the correction
 * @param gradNorm mean of the gradient norms before the correction
 */
public record RunningMeans(long steps, double loss, double gradNorm) {
  /** Nothing seen yet. */
  public static final RunningMeans EMPTY = new RunningMeans(0, 0, 0);

  private static final double DECAY = 0.95;

  /** Before so many good steps nothing is called a spike: the first losses fall too fast. */
  private static final int FEWEST_STEPS = 10;

  /** The means after a good step. */
  public RunningMeans with(StepReport report) {
    return new RunningMeans(
        steps + 1,
        DECAY * loss + (1 - DECAY) * report.loss(),
        DECAY * gradNorm + (1 - DECAY) * report.gradNorm());
  }

  /** What the next step may reach: the means times the factors; no limit without a factor. */
  public StepLimits limits(OptionalDouble lossFactor, OptionalDouble gradNormFactor) {
    if (steps < FEWEST_STEPS) {
      return StepLimits.NONE;
    }
    double correction = 1 - StrictMath.pow(DECAY, (double) steps);
    return new StepLimits(
        limit(loss / correction, lossFactor), limit(gradNorm / correction, gradNormFactor));
  }

  private static double limit(double mean, OptionalDouble factor) {
    return factor.isPresent() ? factor.getAsDouble() * mean : Double.POSITIVE_INFINITY;
  }
}
