package dev.lorikeet.train;

import dev.lorikeet.adapter.LoraAdapter;
import dev.lorikeet.adapter.LoraSettings;
import dev.lorikeet.adapter.Targets;
import dev.lorikeet.config.TrainSettings.LossWeighting;
import dev.lorikeet.data.Example;
import dev.lorikeet.data.GlobalBatch;
import dev.lorikeet.data.MicroBatch;
import dev.lorikeet.fixture.Checkpoints;
import dev.lorikeet.fixture.Fixture;
import dev.lorikeet.model.CausalLm;
import dev.lorikeet.nn.Linear;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A tiny model, what of it is trained, and its trainer: the subject of the laws of training. */
final class LawFixture implements AutoCloseable {
  /** Tokens of the eight examples: one of each kind of length, none a multiple of another. */
  private static final int[] LENGTHS = {17, 3, 29, 8, 2, 23, 11, 40};

  /** Prompts that are masked: none, almost all, half. */
  private static final int[] FIRST_LABELS = {5, 1, 20, 7, 1, 1, 6, 13};

  private static final String MODEL = "tied-gqa";
  private static final int VOCABULARY = 331;

  private final Optional<LoraAdapter> adapter;
  private final CausalLm model;
  private final List<Parameter> trained;
  private final Trainer trainer;

  /** What is trained. */
  enum Technique {
    LORA,
    DORA,
    FULL
  }

  /** What may differ between two runs that should agree. */
  record Variant(Technique technique, double dropout, boolean packing, boolean recompute) {
    static Variant of(Technique technique) {
      return new Variant(technique, 0.1, true, false);
    }

    Variant withDropout(double value) {
      return new Variant(technique, value, packing, recompute);
    }

    Variant unpacked() {
      return new Variant(technique, dropout, false, recompute);
    }

    Variant recomputed() {
      return new Variant(technique, dropout, packing, true);
    }
  }

  LawFixture(Device device, Variant variant, Collective collective) {
    boolean adapted = variant.technique() != Technique.FULL;
    adapter = adapted ? Optional.of(adapter(device, variant)) : Optional.empty();
    model =
        Checkpoints.build(
            Checkpoints.tiny(MODEL),
            device,
            adapted ? Training.FROZEN : Training.TRAINABLE,
            adapter.isPresent() ? adapter.get() : Linear.Wrapper.none());
    trained = adapter.map(LoraAdapter::parameters).orElseGet(model::parameters);
    trainer = new Trainer(model, trained, setup(variant), device, collective);
  }

  private static LoraAdapter adapter(Device device, Variant variant) {
    boolean dora = variant.technique() == Technique.DORA;
    LoraSettings lora =
        new LoraSettings(
            dora ? 4 : 8, dora ? 8 : 16, false, variant.dropout(), Targets.allLinear());
    LoraSettings settings = dora ? lora.withDora() : lora;
    String start = dora ? "dora/" + MODEL + "/moved/start" : "training/" + MODEL + "/start";
    return LoraAdapter.readAs(Fixture.ROOT.resolve(start), settings, device);
  }

  private static TrainingSetup setup(Variant variant) {
    return new TrainingSetup(
        new LearningRate(2e-3, new ScheduleShape.Constant(), 0, 100),
        AdamW.Settings.withDecay(0.01),
        1.0,
        LossWeighting.TOKEN,
        42,
        variant.packing(),
        variant.recompute());
  }

  CausalLm model() {
    return model;
  }

  List<Parameter> trained() {
    return trained;
  }

  Trainer trainer() {
    return trainer;
  }

  /** All trained values, one behind the other. */
  float[] values() {
    return joined(trained.stream().map(parameter -> parameter.value().toFloats()).toList());
  }

  static float[] joined(List<float[]> parts) {
    float[] all = new float[parts.stream().mapToInt(part -> part.length).sum()];
    int at = 0;
    for (float[] part : parts) {
      System.arraycopy(part, 0, all, at, part.length);
      at += part.length;
    }
    return all;
  }

  /** Eight ragged examples with prompts of all kinds; others in every step. */
  static List<Example> examples(long step) {
    List<Example> examples = new ArrayList<>();
    for (int i = 0; i < LENGTHS.length; i++) {
      long id = 8 * step + i;
      examples.add(
          new Example(id, Checkpoints.tokens(id, LENGTHS[i], VOCABULARY), FIRST_LABELS[i]));
    }
    return examples;
  }

  /** The examples of a step in micro-batches of {@code size}. */
  static GlobalBatch batch(long step, int size) {
    List<Example> examples = examples(step);
    List<MicroBatch> microBatches = new ArrayList<>();
    for (int from = 0; from < examples.size(); from += size) {
      microBatches.add(new MicroBatch(examples.subList(from, from + size)));
    }
    return new GlobalBatch(step, 0, microBatches);
  }

  @Override
  public void close() {
    trainer.close();
    model.close();
    adapter.ifPresent(LoraAdapter::close);
  }
}
