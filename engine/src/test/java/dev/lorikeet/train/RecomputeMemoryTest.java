package dev.lorikeet.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.adapter.LoraAdapter;
import dev.lorikeet.adapter.LoraSettings;
import dev.lorikeet.adapter.Targets;
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
import java.util.List;
import java.util.stream.IntStream;
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
  private static final int VOCABULARY = 61;

  /** Bytes of a block's input: [tokens, hidden] in float32. */
  private static final long INPUT = (long) EXAMPLES * TOKENS * HIDDEN * Float.BYTES;

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.1})
  void anotherBlockCostsItsInputOnly(double dropout) {
    for (int blocks = 2; blocks < 6; blocks++) {
      assertEquals(
          INPUT,
          activations(blocks + 1, dropout, true) - activations(blocks, dropout, true),
          blocks + " blocks and one more");
      assertTrue(
          activations(blocks + 1, dropout, false) - activations(blocks, dropout, false)
              > 10 * INPUT,
          "without recompute its inside too");
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.1})
  void manyBlocksCostOneBlockTheInputsAndTheGradientBetweenTwoBlocks(double dropout) {
    long one = activations(1, dropout, false);
    for (int blocks = 1; blocks < 6; blocks++) {
      long all = activations(blocks, dropout, true);
      assertTrue(all <= one + (blocks + 1) * INPUT, blocks + " blocks: " + all + ", one: " + one);
    }
  }

  /** Bytes of a step above weights, gradients and optimiser. */
  private static long activations(int blocks, double dropout, boolean recompute) {
    LoraSettings settings = new LoraSettings(4, 8, false, dropout, Targets.allLinear());
    LlamaConfig config =
        new LlamaConfig(
            HIDDEN,
            256,
            blocks,
            4,
            2,
            24,
            VOCABULARY,
            TOKENS,
            1e-5,
            true,
            false,
            false,
            new RopeScaling("default", 10_000, 1, 1, 1, 1));
    TrainingSetup setup =
        new TrainingSetup(
            new LearningRate(2e-3, new ScheduleShape.Constant(), 0, 100),
            AdamW.Settings.withDecay(0.01),
            1.0,
            LossWeighting.TOKEN,
            42,
            true,
            recompute);
    try (Device device = Device.shapeOnly(2);
        LoraAdapter adapter = LoraAdapter.fresh(settings, device, 1);
        Llama model =
            new Llama(
                config,
                new RandomWeights(device, 5, 0.3, Training.FROZEN),
                device,
                TOKENS,
                adapter);
        Trainer trainer =
            new Trainer(model, adapter.parameters(), setup, device, Collective.solo())) {
      trainer.step(batch(0));
      device.memory().resetPeak();
      trainer.step(batch(1));
      return device.memory().peakBytes() - device.memory().currentBytes();
    }
  }

  private static GlobalBatch batch(long step) {
    List<Example> examples =
        IntStream.range(0, EXAMPLES)
            .mapToObj(i -> new Example(i, Checkpoints.tokens(i, TOKENS, VOCABULARY), 1))
            .toList();
    return new GlobalBatch(step, 0, List.of(new MicroBatch(examples)));
  }
}
