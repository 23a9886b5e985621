package dev.lorikeet.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.torch.Device;
import dev.lorikeet.train.LawFixture.Technique;
import dev.lorikeet.train.LawFixture.Variant;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The device that has shapes only counts, for the very same code, the bytes of the CPU. */
@Tag("native")
final class PlanLawTest {

  @ParameterizedTest
  @CsvSource({
    "LORA, 0.1, true, false, 8, 1",
    "LORA, 0.1, true, false, 8, 2",
    "LORA, 0.0, true, true, 8, 2",
    "LORA, 0.1, false, false, 4, 1",
    "DORA, 0.0, true, false, 8, 2",
    "DORA, 0.0, true, true, 8, 1",
    "DORA, 0.1, true, false, 4, 2",
    "FULL, 0.0, true, false, 8, 2",
    "FULL, 0.0, false, true, 2, 2"
  })
  void aStepInShapesHasThePeakOfAStepInNumbers(
      Technique technique,
      double dropout,
      boolean packing,
      boolean recompute,
      int microBatch,
      int threads) {
    Variant variant = new Variant(technique, dropout, packing, recompute);
    try (Device shapes = Device.shapeOnly(threads);
        Device cpu = Device.cpu(threads)) {
      Counts planned = counts(shapes, variant, microBatch);
      Counts measured = counts(cpu, variant, microBatch);
      assertEquals(measured, planned);
      assertTrue(measured.peakBytes() > measured.levelBytes());
    }
  }

  private record Counts(long levelBytes, long peakBytes, long allocations) {}

  private static Counts counts(Device device, Variant variant, int microBatch) {
    try (LawFixture fixture = new LawFixture(device, variant, Collective.solo())) {
      fixture.trainer().step(LawFixture.batch(0, microBatch));
      fixture.trainer().step(LawFixture.batch(1, microBatch));
      fixture.trainer().validate(LawFixture.examples(2), microBatch);
      return new Counts(
          device.memory().currentBytes(),
          device.memory().peakBytes(),
          device.memory().allocations());
    }
  }
}
