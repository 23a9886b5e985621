package dev.lorikeet.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.lorikeet.config.RunConfig;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class BatchPlanTest {
  private static final OptionalInt NONE = OptionalInt.empty();

  @Test
  void everyExampleIsSeenOncePerEpoch() {
    for (int examples : new int[] {1, 3, 16, 17, 207}) {
      for (int microBatch : new int[] {1, 4, 16}) {
        for (Order order : Order.values()) {
          BatchPlan plan =
              new BatchPlan(examples, 16, microBatch, 42, order, OptionalInt.of(3), NONE);
          for (int epoch = 0; epoch < 3; epoch++) {
            List<Integer> seen = new ArrayList<>();
            for (int step = 0; step < plan.stepsPerEpoch(); step++) {
              long global = (long) epoch * plan.stepsPerEpoch() + step;
              assertEquals(epoch, plan.epoch(global));
              plan.indices(global).forEach(seen::addAll);
            }
            assertEquals(
                IntStream.range(0, examples).boxed().toList(), seen.stream().sorted().toList());
          }
        }
      }
    }
  }

  @Test
  void microBatchSizeChangesNeitherMembershipNorOrder() {
    for (long step = 0; step < 5; step++) {
      List<Integer> ones = flat(plan(70, 16, 1), step);
      assertEquals(ones, flat(plan(70, 16, 4), step));
      assertEquals(ones, flat(plan(70, 16, 16), step));
    }
  }

  @Test
  void theLastBatchOfAnEpochIsKeptAndSmaller() {
    BatchPlan plan = plan(21, 8, 4);
    assertEquals(3, plan.stepsPerEpoch());
    assertEquals(List.of(4, 4), sizes(plan, 0));
    assertEquals(List.of(4, 1), sizes(plan, 2));
    assertEquals(List.of(4, 4), sizes(plan, 3));
  }

  @Test
  void sourceOrderIsTheFiles() {
    BatchPlan plan = new BatchPlan(5, 2, 2, 42, Order.SOURCE, OptionalInt.of(2), NONE);
    assertEquals(List.of(List.of(0, 1)), plan.indices(0));
    assertEquals(List.of(List.of(4)), plan.indices(2));
    assertEquals(List.of(List.of(0, 1)), plan.indices(3));
  }

  @Test
  void epochsHaveOrdersOfTheirOwn() {
    BatchPlan plan = plan(16, 16, 16);
    assertNotEquals(plan.indices(0), plan.indices(1));
    assertEquals(plan.indices(1), plan(16, 16, 16).indices(1));
  }

  @Test
  void theEarlierEndCounts() {
    assertEquals(6, new BatchPlan(20, 10, 5, 1, Order.SHUFFLED, OptionalInt.of(3), NONE).steps());
    assertEquals(
        4,
        new BatchPlan(20, 10, 5, 1, Order.SHUFFLED, OptionalInt.of(3), OptionalInt.of(4)).steps());
    assertEquals(
        6,
        new BatchPlan(20, 10, 5, 1, Order.SHUFFLED, OptionalInt.of(3), OptionalInt.of(9)).steps());
    assertEquals(
        100, new BatchPlan(20, 10, 5, 1, Order.SHUFFLED, NONE, OptionalInt.of(100)).steps());
    assertEquals(
        5_000_000_000L,
        new BatchPlan(2_000_000_000, 4_000, 4_000, 1, Order.SHUFFLED, OptionalInt.of(10_000), NONE)
            .steps());
  }

  @Test
  void stepsOutsideThePlanAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> plan(20, 10, 5).indices(-1));
    assertThrows(IllegalArgumentException.class, () -> plan(20, 10, 5).indices(4));
  }

  @Test
  void batchesHoldTheExamplesOfTheirIndices() {
    List<Example> train =
        IntStream.range(0, 10)
            .mapToObj(i -> new Example(i, new int[] {1, i, 2}, 1 + i % 3))
            .toList();
    BatchPlan plan = plan(10, 4, 3);
    GlobalBatch batch = plan.batch(1, train);
    assertEquals(1, batch.step());
    assertEquals(
        flat(plan, 1),
        batch.microBatches().stream()
            .flatMap(micro -> micro.examples().stream())
            .map(example -> (int) example.id())
            .toList());
    assertEquals(4, batch.exampleCount());
    assertEquals(12, batch.tokenCount());
    assertEquals(
        flat(plan, 1).stream().mapToLong(i -> train.get(i).labelCount()).sum(), batch.labelCount());
    assertThrows(IllegalArgumentException.class, () -> plan.batch(1, train.subList(0, 9)));
  }

  @Test
  void aPlanFollowsTheRecipe() {
    RunConfig config =
        RunConfig.of("nano", Path.of("t"))
            .with("train.epochs=2", "train.max_steps=9", "train.seed=7", "data.shuffle=false");
    assertEquals(
        new BatchPlan(50, 16, 4, 7, Order.SOURCE, OptionalInt.of(2), OptionalInt.of(9)),
        BatchPlan.of(config, 50));
  }

  @Test
  void packingJoinsExamplesAndKeepsLabelsInside() {
    PackedBatch packed =
        new MicroBatch(
                List.of(
                    new Example(7, new int[] {1, 10, 11, 2}, 2),
                    new Example(3, new int[] {20, 21}, 2),
                    new Example(9, new int[] {1, 30, 2}, 1)))
            .packed();
    assertArrayEquals(new int[] {1, 10, 11, 2, 20, 21, 1, 30, 2}, packed.tokens());
    assertArrayEquals(new int[] {0, 1, 2, 3, 0, 1, 0, 1, 2}, packed.positions());
    assertArrayEquals(new int[] {-1, 11, 2, -1, -1, -1, 30, 2, -1}, packed.labels());
    assertArrayEquals(new int[] {0, 4, 6}, packed.segmentStart());
    assertArrayEquals(new int[] {4, 2, 3}, packed.segmentLength());
    assertArrayEquals(new long[] {7, 3, 9}, packed.exampleIds());
    assertEquals(4, packed.labelCount());
    assertEquals(9, packed.tokenCount());
  }

  @Test
  void examplesCannotBeChangedFromOutside() {
    int[] tokens = {1, 2, 3};
    Example example = new Example(0, tokens, 1);
    tokens[0] = 99;
    example.tokens()[1] = 99;
    assertEquals(new Example(0, new int[] {1, 2, 3}, 1), example);
    assertThrows(IllegalArgumentException.class, () -> new Example(0, new int[] {1}, 0));
    assertThrows(IllegalArgumentException.class, () -> new Example(0, new int[] {1}, 2));
    assertThrows(IllegalArgumentException.class, () -> new Example(0, new int[0], 1));
  }

  private static BatchPlan plan(int examples, int globalBatch, int microBatch) {
    return new BatchPlan(
        examples, globalBatch, microBatch, 42, Order.SHUFFLED, OptionalInt.of(2), NONE);
  }

  private static List<Integer> flat(BatchPlan plan, long step) {
    return plan.indices(step).stream().flatMap(List::stream).toList();
  }

  private static List<Integer> sizes(BatchPlan plan, long step) {
    return plan.indices(step).stream().map(List::size).toList();
  }
}
