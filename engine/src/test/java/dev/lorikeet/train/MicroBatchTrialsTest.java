package dev.lorikeet.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.data.Example;
import dev.lorikeet.torch.Device;
import dev.lorikeet.train.LawFixture.Technique;
import dev.lorikeet.train.LawFixture.Variant;
import dev.lorikeet.train.MicroBatchChoice.Trial;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Which micro-batch is found to be the fastest, and that looking for it changes nothing. */
@Tag("native")
final class MicroBatchTrialsTest {
  /** Tokens of all eight examples. */
  private static final int TOKENS = 133;

  private static final List<Integer> SIZES = List.of(1, 2, 4, 8);

  /** Reads that make the passes, two reads each, take the given nanoseconds. */
  private static Deque<Long> reads(long... passNanos) {
    Deque<Long> reads = new ArrayDeque<>();
    long now = 1_000;
    for (long nanos : passNanos) {
      reads.add(now);
      now += nanos;
      reads.add(now);
    }
    return reads;
  }

  private static long[] passes(long[]... trials) {
    return Arrays.stream(trials).flatMapToLong(LongStream::of).toArray();
  }

  private static MicroBatchChoice choice(Deque<Long> reads) {
    try (Device device = Device.cpu(1);
        LawFixture fixture =
            new LawFixture(device, Variant.of(Technique.LORA), Collective.solo())) {
      MicroBatchChoice choice =
          new MicroBatchTrials(fixture.trainer(), LawFixture.examples(0), reads::remove)
              .fastest(SIZES);
      assertEquals(0, reads.size(), "as many passes as were expected");
      return choice;
    }
  }

  /** One pass to warm up; then two of every size, and more where they are short. */
  @Test
  void theShortestPassOfTheFastestSizeWins() {
    long[] warmUp = {900_000_000};
    long[] one = {50_000_000, 17_000_000, 25_000_000, 90_000_000, 18_000_000};
    long[] two = {190_000_000, 26_000_000};
    long[] four = {900_000_000, 30_000_000};
    long[] eight = {13_300_000, 266_000_000};
    MicroBatchChoice choice = choice(reads(passes(warmUp, one, two, four, eight)));
    assertEquals(8, choice.microBatch());
    assertEquals(SIZES, choice.trials().stream().map(Trial::microBatch).toList());
    // 17 tokens, the fifth shortest example, in 17 milliseconds; then all 133 in 13.3.
    assertEquals(1_000, choice.trials().getFirst().tokensPerSecond(), 1e-9);
    assertEquals(TOKENS * 1e9 / 13_300_000, choice.trials().getLast().tokensPerSecond(), 1e-6);
  }

  @Test
  void twoGainsBelowThreePerCentEndTheTrialsAndTakeNoMoreMemory() {
    long[] one = {170_000_000, 170_000_000};
    MicroBatchChoice choice =
        choice(reads(passes(new long[] {1}, one, gaining(2, 1.02), gaining(4, 1.02))));
    assertEquals(1, choice.microBatch());
    assertEquals(3, choice.trials().size());
    assertTrue(
        choice.words().startsWith("train.micro_batch: auto is 1 (tokens a second by size: 1: "),
        choice.words());
    assertTrue(choice.words().contains("within rounding, not bit for bit"), choice.words());
  }

  @Test
  void oneSizeThatWasDisturbedDoesNotHideTheNext() {
    long[] one = {170_000_000, 170_000_000};
    MicroBatchChoice choice =
        choice(
            reads(passes(new long[] {1}, one, gaining(2, 0.5), gaining(4, 1.5), gaining(8, 1.6))));
    assertEquals(8, choice.microBatch());
  }

  /** Two passes of {@code size} examples that are {@code gain} times as fast as 17 in 0.17 s. */
  private static long[] gaining(int size, double gain) {
    long tokens = sample(size).stream().mapToLong(Example::length).sum();
    long nanos = Math.round(170_000_000 * (tokens / 17.0) / gain);
    return new long[] {nanos, nanos};
  }

  @Test
  void everySizeSeesExamplesOfAllLengths() {
    assertEquals(List.of(17), sample(1).stream().map(Example::length).toList());
    assertEquals(List.of(8, 29), sample(2).stream().map(Example::length).toList());
    assertEquals(
        List.of(2, 3, 8, 11, 17, 23, 29, 40), sample(8).stream().map(Example::length).toList());
  }

  private static List<Example> sample(int size) {
    try (Device device = Device.shapeOnly(1);
        LawFixture fixture =
            new LawFixture(device, Variant.of(Technique.LORA), Collective.solo())) {
      return new MicroBatchTrials(fixture.trainer(), LawFixture.examples(0), System::nanoTime)
          .sample(size)
          .examples();
    }
  }

  @ParameterizedTest
  @EnumSource(Technique.class)
  void trialsLeaveNoTrace(Technique technique) {
    assertArrayEquals(trained(technique, List.of()), trained(technique, List.of(1, 2, 4, 8)));
  }

  /** Values after three steps of a run with dropout that tried {@code sizes} before. */
  private static float[] trained(Technique technique, List<Integer> sizes) {
    try (Device device = Device.cpu(2);
        LawFixture fixture = new LawFixture(device, Variant.of(technique), Collective.solo())) {
      float[] start = fixture.values();
      for (int size : sizes) {
        MicroBatchTrials trials =
            new MicroBatchTrials(fixture.trainer(), LawFixture.examples(7), System::nanoTime);
        trials.fastest(List.of(1, size));
        fixture.trainer().rehearse(trials.sample(size), System::nanoTime);
      }
      assertArrayEquals(start, fixture.values());
      fixture
          .trained()
          .forEach(parameter ->
              parameter
                  .gradient()
                  .ifPresent(gradient ->
                      assertArrayEquals(
                          new float[Math.toIntExact(gradient.elements())],
                          gradient.toFloats(),
                          parameter.name())));
      for (int step = 0; step < 3; step++) {
        fixture.trainer().step(LawFixture.batch(step, 4));
      }
      return fixture.values();
    }
  }
}
