package dev.lorikeet.adapter;

import dev.lorikeet.fixture.LlamaShape;
import dev.lorikeet.fixture.TrainedLlama;
import dev.lorikeet.fixture.TrainedLlama.Blocks;
import dev.lorikeet.nn.RandomWeights;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;
import java.util.Arrays;
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

  private DoraCost() {}

  private static TrainedLlama llama(Device device, LoraSettings settings) {
    return new TrainedLlama(
        LlamaShape.SMOLLM2_135M.with(2, 1024).config(512),
        settings,
        Blocks.KEPT,
        new RandomWeights(device, 0, 0.02, Training.FROZEN),
        device);
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
        TrainedLlama first = llama(device, lora);
        TrainedLlama second = llama(device, lora.withDora())) {
      for (int round = -WARM_UP; round < rounds; round++) {
        boolean swapped = (round & 1) != 0;
        double early = millis(swapped ? second : first, round + WARM_UP);
        double late = millis(swapped ? first : second, round + WARM_UP);
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

  private static double millis(TrainedLlama llama, int step) {
    return llama.step(step, 4, 512).stepNanos() / 1e6;
  }
}
