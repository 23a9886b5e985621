package dev.lorikeet.config;

import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.TreeMap;

/**
 * How the optimiser runs. A step is one update; batches count examples.
 *
 * @param epochs passes over the training examples, at least 1; empty: until {@code maxSteps}
 * @param maxSteps limit of steps, at least 1; with {@code epochs} the earlier end counts
 * @param globalBatch examples per step, a multiple of {@code microBatch}
 * @param microBatch examples per forward and backward pass, at least 1; changes memory and speed
 * @param learningRate peak learning rate, above 0
 * @param optimizer update rule
 * @param weightDecay decoupled weight decay, at least 0
 * @param schedule shape of the learning rate after the warm-up
 * @param warmupSteps steps over which the learning rate rises linearly, at least 0
 * @param maxGradNorm limit of the gradients' global norm, at least 0; 0 means no limit
 * @param seed start of every random draw of the run
 * @param recompute whether activations are computed again in the backward pass: less memory, more
 *     time, the same numbers
 * @param lossWeighting what the mean loss of a step weighs equally
 * @param evalSteps steps between validations, at least 1; empty: at the end of each epoch, unless
 *     {@code evalSeconds} says otherwise
 * @param evalSeconds seconds between validations, at least 1; depends on the machine's speed
 * @param earlyStoppingPatience validations in a row without a gain after which the run ends, at
 *     least 1; empty: never
 * @param earlyStoppingMinDelta gain in nats a token that a validation has to exceed, at least 0
 * @param loadBestAtEnd whether the weights of the lowest validation loss are saved at the end
 *     instead of the last ones
 * @param checkpointSteps steps between checkpoints, at least 1; empty: at the end of each epoch
 * @param keepCheckpoints newest checkpoints that are kept, at least 1; the best one stays besides
 * @param onBadStep what follows a step whose loss or gradient is no number, or that spikes
 * @param spikeFactor a loss above this many times the running mean is bad, at least 1; empty: none
 * @param gradNormSpikeFactor the same for the gradient's norm
 */
public record TrainSettings(
    @Default("1") OptionalInt epochs,
    OptionalInt maxSteps,
    @Default("16") int globalBatch,
    @Default("4") int microBatch,
    @Default("2.0e-4") double learningRate,
    @Default("adamw") Optimizer optimizer,
    @Default("0.0") double weightDecay,
    @Default("cosine") Schedule schedule,
    @Default("10") int warmupSteps,
    @Default("1.0") double maxGradNorm,
    @Default("42") long seed,
    @Default("false") boolean recompute,
    @Default("token") LossWeighting lossWeighting,
    OptionalInt evalSteps,
    OptionalInt evalSeconds,
    OptionalInt earlyStoppingPatience,
    @Default("0.0") double earlyStoppingMinDelta,
    @Default("false") boolean loadBestAtEnd,
    OptionalInt checkpointSteps,
    @Default("2") int keepCheckpoints,
    @Default("stop") BadStepPolicy onBadStep,
    OptionalDouble spikeFactor,
    OptionalDouble gradNormSpikeFactor) {

  /** Update rule. */
  public enum Optimizer implements Choice {
    ADAMW
  }

  /** Shape of the learning rate after the warm-up. */
  public enum Schedule implements Choice {
    /** Half a cosine from the peak to zero. */
    COSINE,
    /** A straight line from the peak to zero. */
    LINEAR,
    /** The peak until the end. */
    CONSTANT
  }

  /** What the mean loss of a step weighs equally. */
  public enum LossWeighting implements Choice {
    /** Every labelled token of the step. */
    TOKEN,
    /** Every micro-batch of the step, whatever its number of labels, as litgpt does. */
    MICRO_BATCH
  }

  /** What follows a step that would spoil the weights. */
  public enum BadStepPolicy implements Choice {
    /** The run ends. */
    STOP,
    /** The step changes nothing and the next one follows; ten in a row end the run. */
    SKIP
  }

  public TrainSettings {
    Check check =
        new Check()
            .require(
                epochs.isPresent() || maxSteps.isPresent(),
                "train.epochs and train.max_steps are both null, so training would never end; set"
                    + " one")
            .atLeast("train.epochs", 1, epochs.orElse(1))
            .atLeast("train.max_steps", 1, maxSteps.orElse(1))
            .atLeast("train.global_batch", 1, globalBatch)
            .atLeast("train.micro_batch", 1, microBatch)
            .positive("train.learning_rate", learningRate)
            .notNegative("train.weight_decay", weightDecay)
            .atLeast("train.warmup_steps", 0, warmupSteps)
            .notNegative("train.max_grad_norm", maxGradNorm);
    if (globalBatch >= 1 && microBatch >= 1) {
      check.require(
          globalBatch % microBatch == 0,
          "train.global_batch must be a multiple of train.micro_batch, found "
              + globalBatch
              + " and "
              + microBatch);
    }
    Map<String, Integer> counts =
        Map.of(
            "train.eval_steps", evalSteps.orElse(1),
            "train.eval_seconds", evalSeconds.orElse(1),
            "train.early_stopping_patience", earlyStoppingPatience.orElse(1),
            "train.checkpoint_steps", checkpointSteps.orElse(1),
            "train.keep_checkpoints", keepCheckpoints);
    new TreeMap<>(counts).forEach((key, count) -> check.atLeast(key, 1, count));
    check
        .notNegative("train.early_stopping_min_delta", earlyStoppingMinDelta)
        .factor("train.spike_factor", spikeFactor)
        .factor("train.grad_norm_spike_factor", gradNormSpikeFactor)
        .done("train settings");
  }

  /** Micro-batches of a full step. */
  public int gradAccumSteps() {
    return globalBatch / microBatch;
  }
}
