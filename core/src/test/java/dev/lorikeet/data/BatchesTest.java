package dev.lorikeet.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class BatchesTest {
  private static final List<Example> TRAIN =
      IntStream.range(0, 21).mapToObj(i -> new Example(i, new int[] {1, i, 2}, 1)).toList();

  @Test
  void everyStepSeesWhatThePlanSaysInWhateverOrderStepsAreAskedFor() {
    for (Order order : Order.values()) {
      BatchPlan plan = plan(order);
      Batches batches = new Batches(plan, TRAIN);
      assertEquals(9, plan.steps());
      for (long step :
          LongStream.concat(LongStream.range(0, 9), LongStream.of(8, 1, 5, 5, 0)).toArray()) {
        GlobalBatch batch = batches.batch(step);
        assertEquals(step, batch.step());
        assertEquals(plan.epoch(step), batch.epoch());
        assertEquals(
            plan.indices(step),
            batch.microBatches().stream()
                .map(micro -> micro.examples().stream().map(example -> (int) example.id()).toList())
                .toList());
      }
    }
  }

  @Test
  void stepsAndExamplesOutsideThePlanAreRefused() {
    BatchPlan plan = plan(Order.SHUFFLED);
    assertThrows(IllegalArgumentException.class, () -> new Batches(plan, TRAIN.subList(0, 20)));
    Batches batches = new Batches(plan, TRAIN);
    assertThrows(IllegalArgumentException.class, () -> batches.batch(9));
    assertThrows(IllegalArgumentException.class, () -> batches.batch(-1));
  }

  private static BatchPlan plan(Order order) {
    return new BatchPlan(21, 8, 3, 42, order, OptionalInt.of(3), OptionalInt.empty());
  }
}
