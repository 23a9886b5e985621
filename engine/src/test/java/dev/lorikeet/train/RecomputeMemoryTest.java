package dev.lorikeet.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
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
import org.junit.jupiter.params.provider.ValueSource;

/**
 * With recompute a step holds the inside of one block, the inputs of all, and the gradient of the
 * block's output, which has the shape of an input. Counted on the device of shapes, whose bytes are
 * those of the CPU (see {@link PlanLawTest}).
 */
final class RecomputeMemoryTest {
  private static final int HIDDEN = 96;
  private static final int EXAMPLES = 3;
  private static final int TOKENS = 67;

  /** Bytes of a block's input: [tokens, hidden] in float32. */
  private static final long INPUT = (long) EXAMPLES * TOKENS * HIDDEN * Float.BYTES;

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.1})
  void anotherBlockCostsItsInputOnly(double dropout) {
    for (int blocks = 2; blocks < 6; blocks++) {
      assertEquals(
          INPUT,
          activations(blocks + 1, dropout, Blocks.RECOMPUTED)
              - activations(blocks, dropout, Blocks.RECOMPUTED),
          blocks + " blocks and one more");
      assertTrue(
          activations(blocks + 1, dropout, Blocks.KEPT) - activations(blocks, dropout, Blocks.KEPT)
              > 10 * INPUT,
          "without recompute its inside too");
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.1})
  void manyBlocksCostOneBlockTheInputsAndTheGradientBetweenTwoBlocks(double dropout) {
    long one = activations(1, dropout, Blocks.KEPT);
    for (int blocks = 1; blocks < 6; blocks++) {
      long all = activations(blocks, dropout, Blocks.RECOMPUTED);
      assertTrue(all <= one + (blocks + 1) * INPUT, blocks + " blocks: " + all + ", one: " + one);
    }
  }

  /** Bytes of a step above weights, gradients and optimiser. */
  private static long activations(int layers, double dropout, Blocks blocks) {
    LoraSettings settings = new LoraSettings(4, 8, false, dropout, Targets.allLinear());
    try (Device device = Device.shapeOnly(2);
        TrainedLlama llama =
            new TrainedLlama(
                new LlamaShape(HIDDEN, 256, layers, 4, 2, 24, 61).config(TOKENS),
                settings,
                blocks,
                new RandomWeights(device, 5, 0.3, Training.FROZEN),
                device)) {
      llama.step(0, EXAMPLES, TOKENS);
      device.memory().resetPeak();
      llama.step(1, EXAMPLES, TOKENS);
      return device.memory().peakBytes() - device.memory().currentBytes();
    }
  }
}
