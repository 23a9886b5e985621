package dev.lorikeet.train;

/**
 * What one optimiser step did.
 *
 * @param step from 1
 * @param loss mean loss by the run's weighting, in nats a token
 * @param gradNorm length of the gradient before clipping
 * @param learningRate rate of this step
 * @param labels tokens that were trained on
 * @param tokens tokens that were read
 * @param stepNanos wall time of the step
 */
public record StepReport(
    long step,
    double loss,
    double gradNorm,
    double learningRate,
    long labels,
    long tokens,
    long stepNanos)
    implements StepResult {

  /** Tokens read a second. */
  public double tokensPerSecond() {
    return tokens / (stepNanos * 1e-9);
  }
}
