package dev.lorikeet.job;

import dev.lorikeet.config.MicroBatchSize;
import dev.lorikeet.config.RunConfig;
import dev.lorikeet.config.TrainSettings;
import dev.lorikeet.config.TrainSettings.LossWeighting;
import dev.lorikeet.data.DataSet;
import dev.lorikeet.model.CausalLm;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.torch.Device;
import dev.lorikeet.train.Collective;
import dev.lorikeet.train.MemoryGuard;
import dev.lorikeet.train.MicroBatchChoice;
import dev.lorikeet.train.MicroBatchTrials;
import dev.lorikeet.train.StepShape;
import dev.lorikeet.train.Trainer;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;

/**
 * How the steps of a run are cut.
 *
 * @param shape what fits into memory
 * @param choice how {@code train.micro_batch: auto} was decided, if it was
 */
record StepFit(StepShape shape, Optional<MicroBatchChoice> choice) {
  /** Key of the choice in {@code provenance.json}. */
  static final String RECORD = "micro_batch_choice";

  /**
   * What a shape is found with.
   *
   * @param recipe the run
   * @param model loaded, with its adapter; left as it is
   * @param trained what of it is trained
   * @param data examples to try
   * @param device of the model
   * @param clock tells the time of trials
   */
  record Subject(
      RunConfig recipe,
      CausalLm model,
      List<Parameter> trained,
      DataSet data,
      Device device,
      Clock clock) {}

  /** The shape that {@code recipe} asks for, or what memory allows of it. */
  static StepFit of(Subject subject, MemoryGuard guard) {
    TrainSettings train = subject.recipe().train();
    return switch (train.microBatch()) {
      case MicroBatchSize.Auto _ -> fastest(subject, guard);
      case MicroBatchSize.Examples(int count) -> {
        StepShape wanted = shape(count, train);
        yield new StepFit(
            train.lossWeighting() == LossWeighting.TOKEN
                ? guard.fit(wanted, train.globalBatch())
                : guard.fitWithMicroBatch(wanted),
            Optional.empty());
      }
    };
  }

  private static StepFit fastest(Subject subject, MemoryGuard guard) {
    TrainSettings train = subject.recipe().train();
    StepShape least = guard.fitWithMicroBatch(shape(1, train));
    List<Integer> sizes =
        guard.microBatches(least, train.globalBatch(), subject.data().train().size());
    try (Trainer trainer =
        new Trainer(
            subject.model(),
            subject.trained(),
            TrainingRules.of(subject.recipe()).setup(1, least),
            subject.device(),
            Collective.solo())) {
      MicroBatchChoice choice =
          new MicroBatchTrials(trainer, subject.data().train(), () -> nanos(subject.clock()))
              .fastest(sizes);
      guard.notice().accept(choice.words());
      return new StepFit(
          new StepShape(choice.microBatch(), least.recompute(), least.lossChunkFloats()),
          Optional.of(choice));
    }
  }

  private static long nanos(Clock clock) {
    return ChronoUnit.NANOS.between(Instant.EPOCH, clock.instant());
  }

  private static StepShape shape(int microBatch, TrainSettings train) {
    return new StepShape(microBatch, train.recompute(), StepShape.DEFAULT_LOSS_CHUNK);
  }

  /** The recipe as it is run: what was chosen stands in it. */
  RunConfig resolve(RunConfig recipe) {
    return recipe.with(
        "train.micro_batch=" + shape.microBatch(), "train.recompute=" + shape.recompute());
  }
}
