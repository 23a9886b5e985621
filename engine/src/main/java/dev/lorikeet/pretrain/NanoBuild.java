package dev.lorikeet.pretrain;

import dev.lorikeet.config.TrainSettings.LossWeighting;
import dev.lorikeet.data.Example;
import dev.lorikeet.data.GlobalBatch;
import dev.lorikeet.data.MicroBatch;
import dev.lorikeet.error.RunException;
import dev.lorikeet.model.CausalLm;
import dev.lorikeet.nano.BpeTrainer;
import dev.lorikeet.nano.NanoText;
import dev.lorikeet.nn.Linear;
import dev.lorikeet.nn.RandomWeights;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.tokenizer.HfTokenizer;
import dev.lorikeet.tokenizer.Tokenizer;
import dev.lorikeet.torch.Device;
import dev.lorikeet.train.AdamW;
import dev.lorikeet.train.Collective;
import dev.lorikeet.train.LearningRate;
import dev.lorikeet.train.ScheduleShape;
import dev.lorikeet.train.StepReport;
import dev.lorikeet.train.Trainer;
import dev.lorikeet.train.TrainingSetup;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.LongStream;

/**
 * Makes the embedded base model: learns the tokenizer, trains every weight from a random start on
 * generated text, and writes the checkpoint.
 */
public final class NanoBuild {
  private static final double START_DEVIATION = 0.02;
  private static final double WEIGHT_DECAY = 0.1;
  private static final double BETA2 = 0.95;

  /** Held-out documents start behind all that a build may ever read. */
  private static final long HELD_OUT_FROM = 1L << 40;

  private static final int HELD_OUT = 256;

  private final NanoSettings settings;
  private final NanoText text;

  public NanoBuild(NanoSettings settings) {
    this.settings = settings;
    text = new NanoText(settings.seed());
  }

  /**
   * Trains and writes config.json, model.safetensors (bfloat16), tokenizer.json and their
   * companions into {@code directory}.
   *
   * @param progress hears of every step
   * @return mean loss a token over held-out documents, in nats
   */
  public double run(Path directory, Device device, Consumer<Progress> progress) {
    writeTokenizer(directory);
    try (Tokenizer tokenizer = HfTokenizer.open(directory);
        CausalLm model =
            settings
                .llama()
                .build(
                    new RandomWeights(device, settings.seed(), START_DEVIATION, Training.TRAINABLE),
                    device,
                    NanoSettings.CONTEXT_LENGTH,
                    Linear.Wrapper.none());
        Trainer trainer =
            new Trainer(model, model.parameters(), setup(), device, Collective.solo())) {
      List<Example> heldOut = examples(tokenizer, HELD_OUT_FROM, HELD_OUT);
      int steps = settings.documents() / settings.documentsPerStep();
      for (int step = 0; step < steps; step++) {
        StepReport report = trainer.step(batch(tokenizer, step));
        progress.accept(new Progress(report, steps));
      }
      NanoCheckpoint.write(directory, settings, model);
      return trainer.validate(heldOut, settings.documentsPerMicroBatch());
    }
  }

  /** A step, and how many there are. */
  public record Progress(StepReport report, int steps) {}

  private void writeTokenizer(Path directory) {
    try {
      Files.createDirectories(directory);
      BpeTrainer.train(
              LongStream.range(0, settings.tokenizerDocuments())
                  .mapToObj(i -> text.document(HELD_OUT_FROM / 2 + i)),
              settings.vocabularySize())
          .write(directory, NanoSettings.CONTEXT_LENGTH);
    } catch (IOException failure) {
      throw new RunException("the tokenizer could not be written to " + directory, failure);
    }
  }

  private TrainingSetup setup() {
    int steps = settings.documents() / settings.documentsPerStep();
    return new TrainingSetup(
        new LearningRate(
            settings.learningRate(), new ScheduleShape.Cosine(0), settings.warmupSteps(), steps),
        new AdamW.Settings(0.9, BETA2, 1e-8, WEIGHT_DECAY),
        1.0,
        LossWeighting.TOKEN,
        settings.seed(),
        true,
        false);
  }

  private GlobalBatch batch(Tokenizer tokenizer, int step) {
    List<Example> examples =
        examples(tokenizer, (long) step * settings.documentsPerStep(), settings.documentsPerStep());
    List<MicroBatch> microBatches = new ArrayList<>();
    for (int from = 0; from < examples.size(); from += settings.documentsPerMicroBatch()) {
      int to = Math.min(examples.size(), from + settings.documentsPerMicroBatch());
      microBatches.add(new MicroBatch(examples.subList(from, to)));
    }
    return new GlobalBatch(step, 0, microBatches);
  }

  private List<Example> examples(Tokenizer tokenizer, long from, int count) {
    int end =
        tokenizer
            .eosId()
            .orElseThrow(() -> new IllegalStateException("the tokenizer has no end of text"));
    List<Example> examples = new ArrayList<>();
    for (long i = from; i < from + count; i++) {
      int[] ids = tokenizer.encode(text.document(i));
      int length = Math.min(ids.length, NanoSettings.CONTEXT_LENGTH - 1);
      int[] tokens = Arrays.copyOf(ids, length + 1);
      tokens[length] = end;
      examples.add(new Example(i, tokens, 1));
    }
    return examples;
  }
}
