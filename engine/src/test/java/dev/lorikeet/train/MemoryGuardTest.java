package dev.lorikeet.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.ConfigException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class MemoryGuardTest {
  private static final long MEBI = 1L << 20;
  private static final StepShape WANTED = new StepShape(4, false, StepShape.DEFAULT_LOSS_CHUNK);

  private final List<String> notices = new ArrayList<>();

  /** 100 MiB of weights, 40 MiB an example and a tenth of it with recompute, and the logits. */
  private static long need(StepShape shape) {
    long example = shape.recompute() ? 4 * MEBI : 40 * MEBI;
    return 100 * MEBI + shape.microBatch() * example + 4 * shape.lossChunkFloats();
  }

  private StepShape fit(long availableMebi) {
    return new MemoryGuard(MemoryGuardTest::need, availableMebi * MEBI, notices::add)
        .fit(WANTED, 12);
  }

  @Test
  void whatFitsStaysAsItIs() {
    assertEquals(WANTED, fit(325));
    assertEquals(List.of(), notices);
  }

  @Test
  void smallerMicroBatchesComeFirst() {
    assertEquals(WANTED.withMicroBatch(3), fit(300));
    assertEquals(
        List.of(
            "train.micro_batch 4 does not fit (292.0 MiB of 300.0 MiB free), so a step takes 4"
                + " micro-batches of 3; the global batch stays 12."),
        notices);
  }

  @Test
  void thenRecomputeThenFewerLogitsAndEachIsToldOnce() {
    assertEquals(WANTED.withMicroBatch(1).withRecompute(), fit(155));
    assertEquals(2, notices.size());
    notices.clear();
    StepShape least = fit(125);
    assertEquals(WANTED.withMicroBatch(1).withRecompute().withLossChunk(1L << 21), least);
    assertEquals(3, notices.size());
    assertTrue(notices.getLast().startsWith("logits are computed 2,097,152 numbers at a time"));
  }

  @Test
  void whatNeverFitsIsRefusedWithItsNeed() {
    ConfigException failure = assertThrows(ConfigException.class, () -> fit(100));
    assertTrue(
        String.valueOf(failure.getMessage())
            .contains("it needs 105.0 MiB, and 100.0 MiB are free. Shorter sequences"),
        failure.getMessage());
  }

  @Test
  void theMicroBatchStaysWhereItIsPartOfTheResult() {
    MemoryGuard guard = new MemoryGuard(MemoryGuardTest::need, 200 * MEBI, notices::add);
    assertEquals(WANTED.withRecompute(), guard.fitWithMicroBatch(WANTED));
    assertEquals(1, notices.size());
    MemoryGuard small = new MemoryGuard(MemoryGuardTest::need, 100 * MEBI, notices::add);
    ConfigException failure =
        assertThrows(ConfigException.class, () -> small.fitWithMicroBatch(WANTED));
    assertTrue(
        String.valueOf(failure.getMessage()).contains("with 4 examples at a time, recompute"),
        failure.getMessage());
  }

  @Test
  void theSizesToChooseFromAreHalvesOfTheLargestThatFits() {
    assertEquals(List.of(1, 3, 6, 12), sizes(10_000, 12, 100));
    assertEquals(List.of(1, 2, 4), sizes(330, 12, 100), "six examples do not fit");
    assertEquals(List.of(1, 3), sizes(10_000, 12, 3), "there are three examples only");
    assertEquals(List.of(1, 5, 15), sizes(10_000, 15, 100));
    assertEquals(List.of(1, 7), sizes(10_000, 7, 7));
    assertEquals(List.of(1), sizes(10, 16, 16), "the smallest is there in any case");
  }

  private List<Integer> sizes(long availableMebi, int globalBatch, int largest) {
    return new MemoryGuard(MemoryGuardTest::need, availableMebi * MEBI, notices::add)
        .microBatches(WANTED, globalBatch, largest);
  }
}
