package dev.lorikeet.train;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.adapter.LoraSettings;
import dev.lorikeet.adapter.Targets;
import dev.lorikeet.fixture.LlamaShape;
import dev.lorikeet.fixture.TrainedLlama;
import dev.lorikeet.fixture.TrainedLlama.Blocks;
import dev.lorikeet.nn.RandomWeights;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Memory is linear in the tokens of a step, however they are cut into examples: SmolLM2-135M's
 * shape with 4,096 tokens a step has the same peak from 8 examples of 512 to one of 4,096. Counted
 * on the device of shapes, whose bytes are those of the CPU (see {@link PlanLawTest}).
 */
final class ContextMemoryTest {
  private static final int TOKENS = 4096;
  private static final int SHORTEST = 512;

  @ParameterizedTest
  @EnumSource(Blocks.class)
  void thePeakDoesNotDependOnTheContext(Blocks blocks) {
    long shortest = peak(TOKENS / SHORTEST, SHORTEST, blocks);
    for (int context = 2 * SHORTEST; context <= TOKENS; context *= 2) {
      long peak = peak(TOKENS / context, context, blocks);
      assertTrue(
          Math.abs(peak - shortest) <= shortest / 10,
          context + " tokens: " + peak + " bytes, " + SHORTEST + " tokens: " + shortest);
    }
  }

  @ParameterizedTest
  @EnumSource(Blocks.class)
  void oneExampleTakesMemoryInProportionToItsLength(Blocks blocks) {
    long none = peak(1, 2, blocks);
    long perToken = (peak(1, SHORTEST, blocks) - none) / SHORTEST;
    for (int context = 2 * SHORTEST; context <= TOKENS; context *= 2) {
      long more = (peak(1, context, blocks) - none) / context;
      assertTrue(
          more <= perToken * 1.1,
          context + " tokens: " + more + " bytes each, " + SHORTEST + " tokens: " + perToken);
    }
  }

  /** The most bytes that weights, states and a step take together. */
  private static long peak(int examples, int tokens, Blocks blocks) {
    LoraSettings settings = new LoraSettings(8, 16, false, 0, Targets.allLinear());
    try (Device device = Device.shapeOnly(2);
        TrainedLlama llama =
            new TrainedLlama(
                LlamaShape.SMOLLM2_135M.config(TOKENS),
                settings,
                blocks,
                new RandomWeights(device, 5, 0.02, Training.FROZEN),
                device)) {
      llama.step(0, examples, tokens);
      llama.step(1, examples, tokens);
      return device.memory().peakBytes();
    }
  }
}
