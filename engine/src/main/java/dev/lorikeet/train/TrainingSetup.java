package dev.lorikeet.train;

import dev.lorikeet.config.TrainSettings.LossWeighting;
import java.util.Optional;

/**
 * What a trainer does the same way in every step.
 *
 * @param learningRate rate of every step
 * @param optimizer numbers of the update rule
 * @param maxGradNorm gradients longer than this are scaled to it; 0 for never
 * @param lossWeighting what the mean loss weighs equally
 * @param seed of dropout masks
 * @param packing whether the examples of a micro-batch share one pass
 * @param recompute whether blocks run again on the way back
 * @param lossChunkFloats logits that exist at one time, at most
 * @param lossScaling how gradients are kept in the range of float16, if products read that
 */
public record TrainingSetup(
    LearningRate learningRate,
    Optimizer.Settings optimizer,
    double maxGradNorm,
    LossWeighting lossWeighting,
    long seed,
    boolean packing,
    boolean recompute,
    long lossChunkFloats,
    Optional<LossScaling> lossScaling) {

  /** With the usual number of logits at one time. */
  public TrainingSetup(
      LearningRate learningRate,
      Optimizer.Settings optimizer,
      double maxGradNorm,
      LossWeighting lossWeighting,
      long seed,
      boolean packing,
      boolean recompute) {
    this(
        learningRate,
        optimizer,
        maxGradNorm,
        lossWeighting,
        seed,
        packing,
        recompute,
        StepShape.DEFAULT_LOSS_CHUNK,
        Optional.empty());
  }

  /** The same with dynamic loss scaling. */
  public TrainingSetup withLossScaling(LossScaling scaling) {
    return new TrainingSetup(
        learningRate,
        optimizer,
        maxGradNorm,
        lossWeighting,
        seed,
        packing,
        recompute,
        lossChunkFloats,
        Optional.of(scaling));
  }
}
