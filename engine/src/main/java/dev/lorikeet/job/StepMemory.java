package dev.lorikeet.job;

import dev.lorikeet.adapter.LoraAdapter;
import dev.lorikeet.config.RunConfig;
import dev.lorikeet.data.DataSet;
import dev.lorikeet.data.GlobalBatch;
import dev.lorikeet.data.MicroBatch;
import dev.lorikeet.error.ConfigException;
import dev.lorikeet.job.LoadedModel.BaseFormat;
import dev.lorikeet.model.CausalLm;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.torch.Device;
import dev.lorikeet.train.Collective;
import dev.lorikeet.train.MemoryGuard;
import dev.lorikeet.train.StepShape;
import dev.lorikeet.train.Trainer;
import dev.lorikeet.train.TrainingSetup;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * The bytes of tensors that a run needs, counted on a device of shapes by the very code that loads
 * and trains: nothing is allocated and nothing is guessed. The model is built once.
 */
final class StepMemory implements AutoCloseable {
  private final RunConfig config;
  private final Device shapes;
  private final Optional<LoraAdapter> adapter;
  private final CausalLm model;
  private final long weightBytes;

  /**
   * Builds model and adapter of {@code config} in shapes.
   *
   * @param directory of the checkpoint
   * @param threads of the device that the run will have, which some buffers go by
   */
  StepMemory(RunConfig config, Path directory, int threads) {
    this.config = config;
    shapes = Device.shapeOnly(threads);
    try {
      adapter = AdapterRecipe.adapter(config, shapes);
      model =
          LoadedModel.model(
              directory,
              AdapterRecipe.training(config.adapter()),
              adapter,
              BaseFormat.of(config),
              AdapterRecipe.chosenLayers(config.adapter()),
              shapes);
    } catch (RuntimeException failure) {
      shapes.close();
      throw failure;
    }
    weightBytes = shapes.memory().currentBytes();
  }

  /** Weights, adapter and their copies alone must leave something for a step. */
  void requireWeights(long availableBytes) {
    if (weightBytes > availableBytes) {
      throw new ConfigException(
          "the weights of %s take %s, and %s of memory are free; use a smaller model, adapter.technique: qlora, or a machine with more memory"
              .formatted(
                  config.model().name(),
                  MemoryGuard.words(weightBytes),
                  MemoryGuard.words(availableBytes)));
    }
  }

  /**
   * Most bytes of a step and of a validation: those whose examples are the longest, which no order
   * of the data exceeds.
   */
  long peakBytes(DataSet data, StepShape shape) {
    List<Parameter> trained = trained(model, adapter);
    List<Parameter> copied = adapter.map(LoraAdapter::parameters).orElse(List.of());
    TrainingSetup setup = TrainingRules.of(config).setup(1, shape);
    shapes.memory().resetPeak();
    try (Trainer trainer = new Trainer(model, trained, setup, shapes, Collective.solo());
        LastGood copies = new LastGood(copied, 0)) {
      copies.beforeStep();
      MicroBatch longest = new MicroBatch(data.train().longest(shape.microBatch()));
      // Gradients exist from the second micro-batch and step on, before activations do.
      boolean accumulates = shape.microBatch() < config.train().globalBatch();
      List<MicroBatch> batch = accumulates ? List.of(longest, longest) : List.of(longest);
      trainer.step(new GlobalBatch(0, 0, batch));
      trainer.step(new GlobalBatch(1, 0, batch));
      if (!data.validation().isEmpty()) {
        trainer.validate(data.validation().longest(shape.microBatch()), shape.microBatch());
      }
      return shapes.memory().peakBytes();
    }
  }

  /** What a run trains: an adapter's parameters, or the model's own that are trainable. */
  static List<Parameter> trained(CausalLm model, Optional<LoraAdapter> adapter) {
    return adapter
        .map(LoraAdapter::parameters)
        .orElseGet(() -> model.parameters().stream().filter(Parameter::isTrainable).toList());
  }

  @Override
  public void close() {
    model.close();
    adapter.ifPresent(LoraAdapter::close);
    shapes.close();
  }
}
