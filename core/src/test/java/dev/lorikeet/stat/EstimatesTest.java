package dev.lorikeet.stat;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What estimates do at their edges. */
class EstimatesTest {

  @Test
  void oneItemHasNoStandardErrorButAShareHasAnInterval() {
    assertEquals(OptionalDouble.empty(), Estimates.mean(new double[] {3}, 0.95).standardError());
    assertEquals(Optional.empty(), Estimates.mean(new double[] {3}, 0.95).interval());
    Interval share = Estimates.proportion(1, 1, 0.95).interval().orElseThrow();
    assertTrue(share.low() > 0.2 && share.low() < 0.21, share.text());
    assertEquals(1, share.high());
    assertEquals(
        "3.0000 (n = 1, too few for an interval)", Estimates.mean(new double[] {3}, 0.95).text());
  }

  @Test
  void aShareIsAMeanOfZerosAndOnes() {
    double[] values = new double[60];
    Arrays.fill(values, 0, 52, 1);
    Estimate share = Estimates.proportion(52, 60, 0.95);
    Estimate mean = Estimates.mean(values, 0.95);
    assertEquals(mean.value(), share.value(), 1e-15);
    assertEquals(mean.standardError().orElseThrow(), share.standardError().orElseThrow(), 1e-15);
    assertEquals("0.8667 (95 % 0.7583 to 0.9309, n = 60)", share.text());
  }

  @Test
  void groupsOfOneAreItems() {
    double[] values = {0.3, 0.9, 0.1, 0.4};
    Estimate alone = Estimates.clusteredMean(values, List.of("a", "b", "c", "d"), 0.95);
    Estimate mean = Estimates.mean(values, 0.95);
    assertEquals(mean.standardError().orElseThrow(), alone.standardError().orElseThrow(), 1e-15);
    assertEquals(
        Optional.empty(),
        Estimates.clusteredMean(values, List.of("a", "a", "a", "a"), 0.95).interval());
  }

  @Test
  void aWholeSetHasNoErrorAboutItself() {
    Estimate sample = Estimates.mean(new double[] {1, 0, 0, 1, 1}, 0.95);
    Estimate whole = sample.onWholeSetOf(5);
    assertEquals(0, whole.standardError().orElseThrow());
    assertEquals(new Interval(0.6, 0.6), whole.interval().orElseThrow());
    Estimate quarter = sample.onWholeSetOf(20);
    assertEquals(
        sample.standardError().orElseThrow() * Math.sqrt(0.75),
        quarter.standardError().orElseThrow(),
        1e-15);
    assertThrows(IllegalStateException.class, () -> sample.onWholeSetOf(4));
  }

  @Test
  void theWholeSetSErrorIsThatOfDrawingWithoutReplacement() {
    // All 4-item samples of 6 values: the mean squared error of the mean, against the mean
    // estimate.
    double[] population = {0, 1, 1, 2, 5, 9};
    double truth = Arrays.stream(population).average().orElseThrow();
    double squares = 0;
    double estimated = 0;
    int samples = 0;
    for (int chosen = 0; chosen < 64; chosen++) {
      if (Integer.bitCount(chosen) != 4) {
        continue;
      }
      int mask = chosen;
      double[] sample =
          IntStream.range(0, 6)
              .filter(i -> (mask >> i & 1) == 1)
              .mapToDouble(i -> population[i])
              .toArray();
      Estimate estimate = Estimates.mean(sample, 0.95).onWholeSetOf(6);
      squares += (estimate.value() - truth) * (estimate.value() - truth);
      double error = estimate.standardError().orElseThrow();
      estimated += error * error;
      samples++;
    }
    assertEquals(squares / samples, estimated / samples, 1e-12);
  }

  @Test
  void aSubsampleIsDrawnWithoutReplacementAndBySeed() {
    int[] drawn = new Subsample(100, 30, 5).indices();
    assertEquals(30, Arrays.stream(drawn).distinct().count());
    assertTrue(Arrays.stream(drawn).allMatch(i -> i >= 0 && i < 100));
    assertEquals(Arrays.toString(drawn), Arrays.toString(new Subsample(100, 30, 5).indices()));
    assertNotEquals(Arrays.toString(drawn), Arrays.toString(new Subsample(100, 30, 6).indices()));
    assertEquals(
        Arrays.toString(IntStream.range(0, 7).toArray()),
        Arrays.toString(new Subsample(7, 7, 1).indices()));
  }

  @Test
  void everyItemIsDrawnAsOften() {
    int[] counts = new int[10];
    for (int seed = 0; seed < 4000; seed++) {
      for (int i : new Subsample(10, 3, seed).indices()) {
        counts[i]++;
      }
    }
    // 1,200 expected; the standard deviation of a count is √(4000·.3·.7) = 29.
    for (int count : counts) {
      assertTrue(Math.abs(count - 1200) < 5 * 29, Arrays.toString(counts));
    }
  }

  @Test
  void intervalsHoldTheTruthAboutAsOftenAsTheySay() {
    // 1,000 samples of 25 throws of a coin that falls on heads in 7 of 10: seed 1 to 1,000.
    int held = 0;
    for (int seed = 1; seed <= 1000; seed++) {
      int[] drawn = new int[25];
      Bootstrap.draw(seed, 0, 10, drawn);
      int heads = (int) Arrays.stream(drawn).filter(i -> i < 7).count();
      held += Estimates.proportion(heads, 25, 0.95).interval().orElseThrow().contains(0.7) ? 1 : 0;
    }
    // Wilson's true coverage at n = 25, p = 0.7 is 0.9587 (a sum of binomials); 4 deviations of
    // 0.0063.
    assertTrue(Math.abs(held - 922.5) < 4 * 8.5, held + " of 1000");
  }

  @Test
  void anIntervalThatRunsBackwardsIsOurMistake() {
    assertThrows(IllegalStateException.class, () -> new Interval(1, 0));
    assertThrows(IllegalStateException.class, () -> new Interval(Double.NaN, 0));
    assertFalse(new Interval(0, 1).contains(1.5));
  }
}
