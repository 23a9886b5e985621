package dev.lorikeet.config;

import java.util.List;
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
 * @param microBatch examples per forward and backward pass, at least 1; changes memory and speed;
 *     {@code auto} is chosen when a run begins
 * @param learningRate peak learning rate, above 0
 * @param optimizer update rule
 * @param adamBeta1 decay of the mean of gradients, at least 0 and below 1; adamw, adamw_8bit, lion
 * @param adamBeta2 decay of the mean of squares, of lion's mean; at least 0 and below 1; empty: the
 *     update rule's own
 * @param adamEpsilon added to the root of the mean of squares, at least 0; adamw, adamw_8bit
 * @param momentum share of the last direction that stays, at least 0 and below 1; sgd
 * @param nesterov whether the momentum is taken ahead of the step; sgd
 * @param weightDecay weight decay, at least 0
 * @param noDecay expressions; a trained value whose name holds a match is not decayed
 * @param schedule shape of the learning rate after the warm-up
 * @param minLearningRateRatio end of the schedule as a share of the peak, at least 0 and below 1
 * @param scheduleCycles number of half cosines, at least 1; cosine_with_restarts
 * @param schedulePower exponent of the fall, above 0; polynomial
 * @param decaySteps steps of the fall at the end, at least 1; empty: by {@code decayRatio};
 *     warmup_stable_decay
 * @param decayRatio share of the run that falls, above 0 and at most 1; warmup_stable_decay
 * @param warmupSteps steps over which the learning rate rises linearly, at least 0
 * @param warmupRatio the same as a share of the run, at least 0 and below 1; empty: by {@code
 *     warmupSteps}
 * @param maxGradNorm limit of the gradients' global norm, at least 0; 0 means no limit
 * @param seed start of every random draw of the run
 * @param recompute whether activations are computed again in the backward pass: less memory, more
 *     time, the same numbers
 * @param compute number format that matrix products read their operands in
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
    @Default("4") MicroBatchSize microBatch,
    @Default("2.0e-4") double learningRate,
    @Default("adamw") Optimizer optimizer,
    @Default("0.9") double adamBeta1,
    OptionalDouble adamBeta2,
    @Default("1.0e-8") double adamEpsilon,
    @Default("0.0") double momentum,
    @Default("false") boolean nesterov,
    @Default("0.0") double weightDecay,
    @Default("[]") List<String> noDecay,
    @Default("cosine") Schedule schedule,
    @Default("0.0") double minLearningRateRatio,
    @Default("1") int scheduleCycles,
    @Default("1.0") double schedulePower,
    OptionalInt decaySteps,
    @Default("0.1") double decayRatio,
    @Default("10") int warmupSteps,
    OptionalDouble warmupRatio,
    @Default("1.0") double maxGradNorm,
    @Default("42") long seed,
    @Default("false") boolean recompute,
    @Default("auto") Compute compute,
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
    /** Mean over root of mean square, with decoupled decay. */
    ADAMW,
    /** The same with states of 8 bits. */
    ADAMW_8BIT,
    /** Along the gradient, with momentum or without. */
    SGD,
    /** The sign of the mean. */
    LION,
    /** Factored mean squares. */
    ADAFACTOR;

    boolean uses(String component) {
      return switch (this) {
        case ADAMW, ADAMW_8BIT -> component.startsWith("adam");
        case LION -> component.startsWith("adamBeta");
        case SGD -> component.equals("momentum") || component.equals("nesterov");
        case ADAFACTOR -> false;
      };
    }
  }

  /** Shape of the learning rate after the warm-up. */
  public enum Schedule implements Choice {
    /** Half a cosine from the peak to the end. */
    COSINE,
    /** A straight line from the peak to zero. */
    LINEAR,
    /** The peak until the end. */
    CONSTANT,
    /** Several half cosines, each from the peak. */
    COSINE_WITH_RESTARTS,
    /** A power of what is left of the run. */
    POLYNOMIAL,
    /** The peak until shortly before the end, then half a cosine. */
    WARMUP_STABLE_DECAY;

    boolean uses(String component) {
      return switch (component) {
        case "minLearningRateRatio" ->
            this == COSINE || this == POLYNOMIAL || this == WARMUP_STABLE_DECAY;
        case "scheduleCycles" -> this == COSINE_WITH_RESTARTS;
        case "schedulePower" -> this == POLYNOMIAL;
        case "decaySteps", "decayRatio" -> this == WARMUP_STABLE_DECAY;
        default -> false;
      };
    }
  }

  /** Number format that matrix products read their operands in; sums are float32 in any case. */
  public enum Compute implements Choice {
    /** What suits the device. */
    AUTO,
    FLOAT32,
    BFLOAT16,
    /** With a factor of the loss that keeps small gradients from vanishing. */
    FLOAT16
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
    noDecay = List.copyOf(noDecay);
    Check check =
        new Check()
            .require(
                epochs.isPresent() || maxSteps.isPresent(),
                "train.epochs and train.max_steps are both null, so training would never end; set"
                    + " one")
            .atLeast("train.epochs", 1, epochs.orElse(1))
            .atLeast("train.max_steps", 1, maxSteps.orElse(1))
            .atLeast("train.global_batch", 1, globalBatch)
            .positive("train.learning_rate", learningRate)
            .fraction("train.adam_beta1", adamBeta1)
            .fraction("train.adam_beta2", adamBeta2.orElse(0))
            .notNegative("train.adam_epsilon", adamEpsilon)
            .fraction("train.momentum", momentum)
            .notNegative("train.weight_decay", weightDecay)
            .fraction("train.min_learning_rate_ratio", minLearningRateRatio)
            .atLeast("train.schedule_cycles", 1, scheduleCycles)
            .positive("train.schedule_power", schedulePower)
            .atLeast("train.decay_steps", 1, decaySteps.orElse(1))
            .share("train.decay_ratio", decayRatio)
            .atLeast("train.warmup_steps", 0, warmupSteps)
            .fraction("train.warmup_ratio", warmupRatio.orElse(0))
            .notNegative("train.max_grad_norm", maxGradNorm);
    checkBatches(check, globalBatch, microBatch, lossWeighting);
    Map<String, Integer> counts =
        Map.of(
            "train.eval_steps", evalSteps.orElse(1),
            "train.eval_seconds", evalSeconds.orElse(1),
            "train.early_stopping_patience", earlyStoppingPatience.orElse(1),
            "train.checkpoint_steps", checkpointSteps.orElse(1),
            "train.keep_checkpoints", keepCheckpoints);
    new TreeMap<>(counts).forEach((key, count) -> check.atLeast(key, 1, count));
    noDecay.forEach(pattern -> check.pattern("train.no_decay", pattern));
    Map<String, Object> chosen =
        Map.of(
            "adamBeta1", adamBeta1,
            "adamBeta2", adamBeta2,
            "adamEpsilon", adamEpsilon,
            "momentum", momentum,
            "nesterov", nesterov,
            "minLearningRateRatio", minLearningRateRatio,
            "scheduleCycles", scheduleCycles,
            "schedulePower", schedulePower,
            "decaySteps", decaySteps,
            "decayRatio", decayRatio);
    new ChosenKeys(TrainSettings.class, "train", check)
        .refuseUnused("train.optimizer", optimizer, Optimizer::uses, chosen)
        .refuseUnused("train.schedule", schedule, Schedule::uses, chosen)
        .refuseBoth("decaySteps", decaySteps, "decayRatio", decayRatio)
        .refuseBoth("warmupRatio", warmupRatio, "warmupSteps", warmupSteps);
    check
        .notNegative("train.early_stopping_min_delta", earlyStoppingMinDelta)
        .factor("train.spike_factor", spikeFactor)
        .factor("train.grad_norm_spike_factor", gradNormSpikeFactor)
        .require(
            !nesterov || momentum > 0, "train.nesterov needs a train.momentum above 0, found 0")
        .done("train settings");
  }

  private static void checkBatches(
      Check check, int globalBatch, MicroBatchSize microBatch, LossWeighting lossWeighting) {
    switch (microBatch) {
      case MicroBatchSize.Auto _ ->
          check.require(
              lossWeighting == LossWeighting.TOKEN,
              "train.micro_batch: auto does not go with train.loss_weighting: micro_batch, whose"
                  + " results depend on the size of the micro-batches; give the size, or use"
                  + " train.loss_weighting: token");
      case MicroBatchSize.Examples(int count) -> {
        check.atLeast("train.micro_batch", 1, count);
        check.require(
            globalBatch < 1 || count < 1 || globalBatch % count == 0,
            "train.global_batch must be a multiple of train.micro_batch, found "
                + globalBatch
                + " and "
                + count);
      }
    }
  }

  /**
   * The number of examples per pass.
   *
   * @throws IllegalStateException if it is {@code auto} and nothing has chosen yet
   */
  public int microBatchExamples() {
    return switch (microBatch) {
      case MicroBatchSize.Examples(int count) -> count;
      case MicroBatchSize.Auto _ ->
          throw new IllegalStateException("train.micro_batch is auto and not chosen yet");
    };
  }

  /** Micro-batches of a full step. */
  public int gradAccumSteps() {
    return globalBatch / microBatchExamples();
  }
}
