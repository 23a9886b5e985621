package dev.lorikeet.adapter;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.fixture.LlamaShape;
import dev.lorikeet.fixture.TrainedLlama;
import dev.lorikeet.fixture.TrainedLlama.Blocks;
import dev.lorikeet.nn.RandomWeights;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What DoRA takes beyond LoRA in a step of SmolLM2-135M's shape over 4 × 512 tokens, counted on
 * shapes, which count what the CPU allocates.
 */
@Tag("native")
final class DoraMemoryTest {

  @ParameterizedTest
  @CsvSource({"all-linear, KEPT, 0.15", "all-linear, RECOMPUTED, 0.02", "q_proj, KEPT, 0.001"})
  void thePeakIsLittleMoreThanLoras(String target, Blocks blocks, double allowed) {
    LoraSettings lora = new LoraSettings(8, 16, false, 0, Targets.of(List.of(target)));
    long plain = peak(lora, blocks);
    long decomposed = peak(lora.withDora(), blocks);
    double extra = (double) decomposed / plain - 1;
    String found = "%s: LoRA %,d bytes, DoRA %.2f %% more".formatted(target, plain, 100 * extra);
    assertTrue(extra > 0 && extra <= allowed, found);
  }

  private static long peak(LoraSettings settings, Blocks blocks) {
    try (Device device = Device.shapeOnly(2);
        TrainedLlama llama =
            new TrainedLlama(
                LlamaShape.SMOLLM2_135M.config(2048),
                settings,
                blocks,
                new RandomWeights(device, 0, 0, Training.FROZEN),
                device)) {
      llama.step(0, 4, 512);
      return device.memory().peakBytes();
    }
  }
}
