package dev.lorikeet.train;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.adapter.LoraAdapter;
import dev.lorikeet.adapter.LoraSettings;
import dev.lorikeet.adapter.Targets;
import dev.lorikeet.config.TrainSettings.LossWeighting;
import dev.lorikeet.data.Example;
import dev.lorikeet.data.GlobalBatch;
import dev.lorikeet.data.MicroBatch;
import dev.lorikeet.model.Llama;
import dev.lorikeet.model.LlamaConfig;
import dev.lorikeet.model.RopeScaling;
import dev.lorikeet.nn.RandomWeights;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Memory is linear in the tokens of a step, however they are cut into examples: SmolLM2-135M's
 * shape with 4,096 tokens a step has the same peak from 8 examples of 512 to one of 4,096. Counted
 * on the device of shapes, whose bytes are those of the CPU (see {@link PlanLawTest}).
 */
final class ContextMemoryTest {
  private static final int TOKENS = 4096;
  private static final int SHORTEST = 512;
  private static final int VOCABULARY = 49_152;

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void thePeakDoesNotDependOnTheContext(boolean recompute) {
    long shortest = peak(TOKENS / SHORTEST, SHORTEST, recompute);
    for (int context = 2 * SHORTEST; context <= TOKENS; context *= 2) {
      long peak = peak(TOKENS / context, context, recompute);
      assertTrue(
          Math.abs(peak - shortest) <= shortest / 10,
          context + " tokens: " + peak + " bytes, " + SHORTEST + " tokens: " + shortest);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void oneExampleTakesMemoryInProportionToItsLength(boolean recompute) {
    long none = peak(1, 2, recompute);
    long perToken = (peak(1, SHORTEST, recompute) - none) / SHORTEST;
    for (int context = 2 * SHORTEST; context <= TOKENS; context *= 2) {
      long more = (peak(1, context, recompute) - none) / context;
      assertTrue(
          more <= perToken * 1.1,
          context + " tokens: " + more + " bytes each, " + SHORTEST + " tokens: " + perToken);
    }
  }

  /** The most bytes that weights, states and a step take together. */
  private static long peak(int examples, int tokens, boolean recompute) {
    LlamaConfig config =
        new LlamaConfig(
            576,
            1536,
            30,
            9,
            3,
            64,
            VOCABULARY,
            2 * TOKENS,
            1e-5,
            true,
            false,
            false,
            new RopeScaling("default", 100_000, 1, 1, 1, 1));
    TrainingSetup setup =
        new TrainingSetup(
            new LearningRate(2e-3, new ScheduleShape.Constant(), 0, 100),
            AdamW.Settings.withDecay(0.01),
            1.0,
            LossWeighting.TOKEN,
            42,
            true,
            recompute);
    LoraSettings settings = new LoraSettings(8, 16, false, 0, Targets.allLinear());
    try (Device device = Device.shapeOnly(2);
        LoraAdapter adapter = LoraAdapter.fresh(settings, device, 1);
        Llama model =
            new Llama(
                config,
                new RandomWeights(device, 5, 0.02, Training.FROZEN),
                device,
                TOKENS,
                adapter);
        Trainer trainer =
            new Trainer(model, adapter.parameters(), setup, device, Collective.solo())) {
      trainer.step(batch(0, examples, tokens));
      trainer.step(batch(1, examples, tokens));
      return device.memory().peakBytes();
    }
  }

  private static GlobalBatch batch(long step, int examples, int tokens) {
    List<Example> batch =
        IntStream.range(0, examples).mapToObj(i -> new Example(i, new int[tokens], 1)).toList();
    return new GlobalBatch(step, 0, List.of(new MicroBatch(batch)));
  }
}
