package dev.lorikeet.job;

import dev.lorikeet.config.AdapterSettings;
import dev.lorikeet.config.RunConfig;
import dev.lorikeet.config.TrainSettings;
import dev.lorikeet.config.TrainSettings.Schedule;
import dev.lorikeet.kernel.SgdStep.Direction;
import dev.lorikeet.train.Adafactor;
import dev.lorikeet.train.AdamW;
import dev.lorikeet.train.AdamW.States;
import dev.lorikeet.train.GroupedOptimizer;
import dev.lorikeet.train.LearningRate;
import dev.lorikeet.train.Lion;
import dev.lorikeet.train.Optimizer;
import dev.lorikeet.train.ParameterGroups;
import dev.lorikeet.train.ScheduleShape;
import dev.lorikeet.train.Sgd;
import dev.lorikeet.train.StepShape;
import dev.lorikeet.train.TrainingSetup;
import java.util.List;
import java.util.Optional;

/**
 * What a recipe says about updates, in the trainer's terms: the rule, its groups of parameters, and
 * the learning rate of every step.
 */
record TrainingRules(TrainSettings train, AdapterSettings adapter, boolean packing) {
  private static final double ADAM_BETA2 = 0.999;
  private static final double LION_BETA2 = 0.99;

  static TrainingRules of(RunConfig config) {
    return new TrainingRules(config.train(), config.adapter(), config.data().packing());
  }

  /** What every step of a run of {@code steps} does the same way, cut to {@code shape}. */
  TrainingSetup setup(long steps, StepShape shape) {
    return new TrainingSetup(
        learningRate(steps),
        optimizer(),
        train.maxGradNorm(),
        train.lossWeighting(),
        train.seed(),
        packing,
        shape.recompute(),
        shape.lossChunkFloats(),
        Optional.empty());
  }

  /** The update rule over its groups. */
  Optimizer.Settings optimizer() {
    return new GroupedOptimizer.Settings(rule(), groups());
  }

  private Optimizer.Settings rule() {
    double beta1 = train.adamBeta1();
    double decay = train.weightDecay();
    return switch (train.optimizer()) {
      case ADAMW -> adamW(States.FLOAT32);
      case ADAMW_8BIT -> adamW(States.BITS_8);
      case LION -> new Lion.Settings(beta1, train.adamBeta2().orElse(LION_BETA2), decay);
      case SGD ->
          new Sgd.Settings(
              train.momentum(), train.nesterov() ? Direction.NESTEROV : Direction.MOMENTUM, decay);
      case ADAFACTOR -> new Adafactor.Settings(decay);
    };
  }

  private AdamW.Settings adamW(States states) {
    return new AdamW.Settings(
        train.adamBeta1(),
        train.adamBeta2().orElse(ADAM_BETA2),
        train.adamEpsilon(),
        train.weightDecay(),
        states);
  }

  /** Which parameters learn or decay differently. */
  ParameterGroups groups() {
    return ParameterGroups.of(train.noDecay(), adapter.loraplusLrRatio(), train.learningRate());
  }

  /** Steps of the warm-up; a share of the run is rounded up, as transformers does. */
  long warmupSteps(long steps) {
    return train.warmupRatio().isPresent()
        ? (long) Math.ceil(steps * train.warmupRatio().getAsDouble())
        : train.warmupSteps();
  }

  /**
   * Sentences about learning rates that a run of {@code steps} cannot follow as they were meant.
   */
  List<String> oddities(long steps) {
    long warmup = warmupSteps(steps);
    if (warmup >= steps) {
      return List.of(
          "the warm-up's %d steps (train.warmup_steps or train.warmup_ratio) are not less than the run's %d steps, so the learning rate never reaches its peak."
              .formatted(warmup, steps));
    }
    if (train.schedule() == Schedule.WARMUP_STABLE_DECAY && warmup + decaySteps(steps) > steps) {
      return List.of(
          "the warm-up's %d steps and the %d steps of train.decay_steps or train.decay_ratio are more than the run's %d, so the learning rate jumps from one to the other."
              .formatted(warmup, decaySteps(steps), steps));
    }
    return List.of();
  }

  /** The learning rate of every step of a run of {@code steps}. */
  LearningRate learningRate(long steps) {
    return new LearningRate(train.learningRate(), shape(steps), warmupSteps(steps), steps);
  }

  private ScheduleShape shape(long steps) {
    double minimum = train.minLearningRateRatio();
    return switch (train.schedule()) {
      case CONSTANT -> new ScheduleShape.Constant();
      case LINEAR -> new ScheduleShape.Linear();
      case COSINE -> new ScheduleShape.Cosine(minimum);
      case COSINE_WITH_RESTARTS -> new ScheduleShape.CosineWithRestarts(train.scheduleCycles());
      case POLYNOMIAL -> new ScheduleShape.Polynomial(train.schedulePower(), minimum);
      case WARMUP_STABLE_DECAY -> new ScheduleShape.WarmupStableDecay(decaySteps(steps), minimum);
    };
  }

  private long decaySteps(long steps) {
    return train.decaySteps().isPresent()
        ? train.decaySteps().getAsInt()
        : (long) Math.ceil(steps * train.decayRatio());
  }
}
