package dev.lorikeet.adapter;

import dev.lorikeet.config.TrainSettings.LossWeighting;
import dev.lorikeet.data.Example;
import dev.lorikeet.data.GlobalBatch;
import dev.lorikeet.data.MicroBatch;
import dev.lorikeet.fixture.Checkpoints;
import dev.lorikeet.model.Llama;
import dev.lorikeet.model.LlamaConfig;
import dev.lorikeet.model.RopeScaling;
import dev.lorikeet.nn.RandomWeights;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;
import dev.lorikeet.train.AdamW;
import dev.lorikeet.train.Collective;
import dev.lorikeet.train.LearningRate;
import dev.lorikeet.train.ScheduleShape;
import dev.lorikeet.train.Trainer;
import dev.lorikeet.train.TrainingSetup;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Time of a step with DoRA beside one with LoRA: two layers of SmolLM2-135M's shape with a small
 * vocabulary (so that the output head, which both have, hides nothing), r 8 on all-linear, 4 × 512
 * tokens. Both run in turn in one process; each ratio is of two neighbouring steps.
 *
 * <p>{@code mvn -pl core,engine test-compile dependency:build-classpath
 * -Dmdep.outputFile=target/classpath.txt} and then {@code java --add-modules jdk.incubator.vector
 * --enable-native-access=ALL-UNNAMED -cp
 * engine/target/test-classes:engine/target/classes:core/target/classes:$(cat
 * engine/target/classpath.txt) dev.lorikeet.adapter.DoraCost ROUNDS DROPOUT}
 */
final class DoraCost {
  private static final int WARM_UP = 4;
  private static final int VOCABULARY = 1024;

  private DoraCost() {}

  /** One technique with its trainer. */
  private static final class Subject implements AutoCloseable {
    private final LoraAdapter adapter;
    private final Llama model;
    private final Trainer trainer;

    Subject(Device device, LoraSettings settings) {
      LlamaConfig config =
          new LlamaConfig(
              576,
              1536,
              2,
              9,
              3,
              64,
              VOCABULARY,
              2048,
              1e-5,
              true,
              false,
              false,
              new RopeScaling("default", 10000, 1, 1, 1, 1));
      adapter = LoraAdapter.fresh(settings, device, 0);
      model =
          new Llama(
              config, new RandomWeights(device, 0, 0.02, Training.FROZEN), device, 512, adapter);
      TrainingSetup setup =
          new TrainingSetup(
              new LearningRate(1e-3, new ScheduleShape.Constant(), 0, 10),
              AdamW.Settings.withDecay(0),
              1,
              LossWeighting.TOKEN,
              0,
              true,
              false);
      trainer = new Trainer(model, adapter.parameters(), setup, device, Collective.solo());
    }

    double step(GlobalBatch batch) {
      return trainer.step(batch).stepNanos() / 1e6;
    }

    @Override
    public void close() {
      trainer.close();
      model.close();
      adapter.close();
    }
  }

  /** Prints the medians; arguments: rounds and dropout. */
  public static void main(String[] arguments) {
    int rounds = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 21;
    double dropout = arguments.length > 1 ? Double.parseDouble(arguments[1]) : 0;
    LoraSettings lora = new LoraSettings(8, 16, false, dropout, Targets.allLinear());
    double[] plain = new double[rounds];
    double[] decomposed = new double[rounds];
    double[] ratios = new double[rounds];
    try (Device device = Device.cpu(Runtime.getRuntime().availableProcessors());
        Subject first = new Subject(device, lora);
        Subject second = new Subject(device, lora.withDora())) {
      for (int round = -WARM_UP; round < rounds; round++) {
        GlobalBatch batch = batch(round + WARM_UP);
        boolean swapped = (round & 1) != 0;
        double early = (swapped ? second : first).step(batch);
        double late = (swapped ? first : second).step(batch);
        if (round >= 0) {
          plain[round] = swapped ? late : early;
          decomposed[round] = swapped ? early : late;
          ratios[round] = decomposed[round] / plain[round];
        }
      }
    }
    System.out.printf(
        Locale.ROOT,
        "dropout %s, %d rounds: LoRA %.0f ms, DoRA %.0f ms, ratio %.3f (quartiles %.3f to %.3f)%n",
        dropout,
        rounds,
        quantile(plain, 0.5),
        quantile(decomposed, 0.5),
        quantile(ratios, 0.5),
        quantile(ratios, 0.25),
        quantile(ratios, 0.75));
  }

  private static double quantile(double[] values, double share) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[(int) Math.round(share * (sorted.length - 1))];
  }

  private static GlobalBatch batch(long step) {
    List<Example> examples = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      examples.add(new Example(i, Checkpoints.tokens(4 * step + i, 512, VOCABULARY), 1));
    }
    return new GlobalBatch(step, 0, List.of(new MicroBatch(examples)));
  }
}
