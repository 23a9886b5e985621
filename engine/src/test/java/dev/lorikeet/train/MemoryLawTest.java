package dev.lorikeet.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.data.Example;
import dev.lorikeet.data.GlobalBatch;
import dev.lorikeet.data.MicroBatch;
import dev.lorikeet.fixture.Checkpoints;
import dev.lorikeet.fixture.ResidentMemory;
import dev.lorikeet.torch.Device;
import dev.lorikeet.train.LawFixture.Technique;
import dev.lorikeet.train.LawFixture.Variant;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Training takes its memory once: the books stay level, the process too, and all is given back. */
@Tag("native")
final class MemoryLawTest {
  private static final int STEPS = 50;
  private static final int WINDOWS = 3;

  /**
   * One hidden state [960, 64] lost in every step would be 12 MB in fifty steps. The virtual
   * machine's own memory moves now and then, but not in every window.
   */
  private static final long RESIDENT_TOLERANCE_BYTES = 4L << 20;

  @ParameterizedTest
  @CsvSource({
    "LORA, false",
    "LORA, true",
    "DORA, false",
    "DORA, true",
    "FULL, false",
    "FULL, true"
  })
  void fiftyStepsLeaveTheBooksLevel(Technique technique, boolean recompute) {
    Variant variant = new Variant(technique, 0.1, true, recompute);
    try (Device device = Device.cpu(2)) {
      try (LawFixture fixture = new LawFixture(device, variant, Collective.solo())) {
        fixture.trainer().step(LawFixture.batch(0, 4));
        long level = device.memory().currentBytes();
        assertTrue(level > 0);
        for (int step = 1; step <= STEPS; step++) {
          fixture.trainer().step(LawFixture.batch(step, 4));
          assertEquals(level, device.memory().currentBytes(), "after step " + step);
        }
        fixture.trainer().validate(LawFixture.examples(0), 3);
        assertEquals(level, device.memory().currentBytes(), "after validation");
      }
      assertEquals(0, device.memory().currentBytes(), "after closing");
    }
  }

  @ParameterizedTest
  @EnumSource(Technique.class)
  void theSameStepsHaveTheSamePeak(Technique technique) {
    try (Device device = Device.cpu(2);
        LawFixture fixture = new LawFixture(device, Variant.of(technique), Collective.solo())) {
      fixture.trainer().step(LawFixture.batch(0, 4));
      device.memory().resetPeak();
      fixture.trainer().step(LawFixture.batch(1, 4));
      long peak = device.memory().peakBytes();
      for (int step = 2; step <= 10; step++) {
        fixture.trainer().step(LawFixture.batch(step, 4));
      }
      assertEquals(peak, device.memory().peakBytes());
    }
  }

  @ParameterizedTest
  @EnumSource(Technique.class)
  void fiftyStepsLeaveTheProcessLevel(Technique technique) throws IOException {
    ResidentMemory.assumeKnown();
    try (Device device = Device.cpu(2);
        LawFixture fixture = new LawFixture(device, Variant.of(technique), Collective.solo())) {
      long step = run(fixture, 0);
      long leastGrowth = Long.MAX_VALUE;
      for (int w = 0; w < WINDOWS && leastGrowth > RESIDENT_TOLERANCE_BYTES; w++) {
        long before = residentBytes();
        step = run(fixture, step);
        leastGrowth = Math.min(leastGrowth, residentBytes() - before);
      }
      assertTrue(
          leastGrowth <= RESIDENT_TOLERANCE_BYTES,
          "resident memory grows by " + leastGrowth + " bytes in " + STEPS + " steps");
    }
  }

  private static long run(LawFixture fixture, long firstStep) {
    for (long step = firstStep; step < firstStep + STEPS; step++) {
      List<Example> examples = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        examples.add(new Example(i, Checkpoints.tokens(step + i, 120, 331), 100));
      }
      fixture.trainer().step(new GlobalBatch(step, 0, List.of(new MicroBatch(examples))));
    }
    return firstStep + STEPS;
  }

  private static long residentBytes() throws IOException {
    System.gc();
    return ResidentMemory.bytes();
  }
}
