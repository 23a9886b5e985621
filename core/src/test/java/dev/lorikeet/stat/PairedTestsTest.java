package dev.lorikeet.stat;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Verdicts of comparisons. */
class PairedTestsTest {

  @Test
  void equalRunsDifferByNoise() {
    double[] scores = {1, 0, 1, 1};
    Comparison same = PairedTests.rightOrWrong(scores, scores, Direction.HIGHER_IS_BETTER, 0.95);
    assertEquals(Verdict.WITHIN_NOISE, same.verdict());
    assertEquals(1, same.pValue());
    assertEquals(OptionalLong.empty(), same.itemsNeeded());
    assertTrue(same.interval().low() < 0 && same.interval().high() > 0, same.text());
    double[] graded = {0.1, 0.7};
    assertEquals(1, PairedTests.means(graded, graded, Direction.HIGHER_IS_BETTER, 0.95).pValue());
  }

  @Test
  void sixWinsOfSixDecideFiveDoNot() {
    // 2·(1/2)⁶ = 0.03125, 2·(1/2)⁵ = 0.0625.
    assertEquals(0.03125, PairedTests.mcNemar(0, 6), 1e-15);
    assertEquals(0.0625, PairedTests.mcNemar(5, 0), 1e-15);
    double[] zeros = new double[10];
    double[] six = zeros.clone();
    Arrays.fill(six, 0, 6, 1);
    Comparison won = PairedTests.rightOrWrong(zeros, six, Direction.HIGHER_IS_BETTER, 0.95);
    assertEquals(Verdict.BETTER, won.verdict());
    assertEquals(
        Verdict.WORSE,
        PairedTests.rightOrWrong(zeros, six, Direction.LOWER_IS_BETTER, 0.95).verdict());
    assertEquals(
        Verdict.DIFFERENT, PairedTests.rightOrWrong(zeros, six, Direction.NEITHER, 0.95).verdict());
    assertEquals(
        Verdict.WITHIN_NOISE,
        PairedTests.rightOrWrong(zeros, six, Direction.HIGHER_IS_BETTER, 0.99).verdict());
  }

  @Test
  void noiseNamesTheItemsThatWouldTell() {
    double[] first = new double[40];
    double[] second = new double[40];
    Arrays.fill(second, 0, 3, 1);
    first[39] = 1;
    Comparison open = PairedTests.rightOrWrong(first, second, Direction.HIGHER_IS_BETTER, 0.95);
    assertEquals(Verdict.WITHIN_NOISE, open.verdict());
    // ψ = .1, δ = .05: (1.959964·√.1 + .841621·√(.1 − .0025))²/.0025 = 311.98….
    assertEquals(OptionalLong.of(312), open.itemsNeeded());
    assertTrue(open.text().startsWith("difference within noise: +0.0500 ("), open.text());
    assertTrue(open.text().endsWith("about 312 items would tell"), open.text());
  }

  @Test
  void asManyItemsAsNeededTellInFourOfFiveCases() {
    // Draws from differences 1 (share .3) and −1 (share .1): ψ = .4, δ = .2.
    int items = (int) SampleSize.rightOrWrong(0.4, 0.2, 0.95, 0.8).orElseThrow();
    int told = 0;
    for (int seed = 0; seed < 1000; seed++) {
      int[] drawn = new int[items];
      Bootstrap.draw(seed, 0, 10, drawn);
      int won = (int) Arrays.stream(drawn).filter(i -> i < 3).count();
      int lost = (int) Arrays.stream(drawn).filter(i -> i == 3).count();
      told += PairedTests.mcNemar(lost, won) < 0.05 ? 1 : 0;
    }
    // The exact test is a little less powerful than the approximation that the number comes from.
    assertTrue(told > 720 && told < 840, told + " of 1000 with " + items + " items");
  }

  @Test
  void aConstantDifferenceCountsBySigns() {
    double[] first = {0.25, 0.5, 0, 0.125, 0, 0.25};
    double[] second = Arrays.stream(first).map(value -> value + 0.5).toArray();
    Comparison six = PairedTests.means(first, second, Direction.HIGHER_IS_BETTER, 0.95);
    assertEquals(Verdict.BETTER, six.verdict());
    assertEquals(1 / 32.0, six.pValue());
    assertEquals(0.5, six.effect(), 1e-15);
    Comparison three =
        PairedTests.means(
            Arrays.copyOf(first, 3), Arrays.copyOf(second, 3), Direction.HIGHER_IS_BETTER, 0.95);
    assertEquals(Verdict.WITHIN_NOISE, three.verdict());
  }

  @Test
  void threeItemsAreTooFewForTheBootstrapToo() {
    Comparison three =
        PairedTests.bootstrap(
            3, _ -> 1, _ -> 2, Direction.HIGHER_IS_BETTER, new Uncertainty(0.95, 9, 999));
    assertEquals(0.25, three.pValue());
    assertEquals(Verdict.WITHIN_NOISE, three.verdict());
  }

  @Test
  void oneItemTellsNothing() {
    Comparison one =
        PairedTests.means(new double[] {0.1}, new double[] {0.9}, Direction.HIGHER_IS_BETTER, 0.95);
    assertEquals(Verdict.WITHIN_NOISE, one.verdict());
  }

  @Test
  void theTestFitsTheItems() {
    double[] right = {1, 0, 1, 1};
    double[] graded = {0.5, 0, 1, 1};
    assertEquals(Comparison.Test.MCNEMAR, test(right, right, Optional.empty()));
    assertEquals(Comparison.Test.PAIRED_T, test(right, graded, Optional.empty()));
    assertEquals(
        Comparison.Test.CLUSTERED_T, test(right, right, Optional.of(List.of("a", "a", "b", "b"))));
    assertThrows(
        IllegalStateException.class, () -> test(right, new double[] {1}, Optional.empty()));
  }

  private static Comparison.Test test(
      double[] first, double[] second, Optional<List<String>> groups) {
    return PairedTests.ofItems(first, second, groups, Direction.HIGHER_IS_BETTER, 0.95).test();
  }

  @Test
  void theBootstrapSeesADifferenceThatEveryItemHas() {
    double[] first = IntStream.range(0, 50).mapToDouble(i -> i % 7).toArray();
    double[] second = IntStream.range(0, 50).mapToDouble(i -> i % 7 + 0.2 + i % 3 * 0.1).toArray();
    Uncertainty uncertainty = new Uncertainty(0.95, 9, 999);
    Comparison clear =
        PairedTests.bootstrap(
            50,
            drawn -> Arrays.stream(drawn).mapToDouble(i -> first[i]).sum() / drawn.length,
            drawn -> Arrays.stream(drawn).mapToDouble(i -> second[i]).sum() / drawn.length,
            Direction.LOWER_IS_BETTER,
            uncertainty);
    assertEquals(Verdict.WORSE, clear.verdict());
    assertEquals(2.0 / 1000, clear.pValue());
    assertFalse(clear.interval().contains(0));
  }

  @Test
  void severalMetricsNeedStrongerEvidence() {
    double[] zeros = new double[10];
    double[] six = zeros.clone();
    Arrays.fill(six, 0, 6, 1);
    Comparison one = PairedTests.rightOrWrong(zeros, six, Direction.HIGHER_IS_BETTER, 0.95);
    Comparison none = PairedTests.rightOrWrong(zeros, zeros, Direction.HIGHER_IS_BETTER, 0.95);
    Map<String, Comparison> both = new LinkedHashMap<>();
    both.put("a", one);
    both.put("b", none);
    assertEquals(Verdict.BETTER, one.verdict());
    Map<String, Comparison> adjusted = Holm.adjust(both);
    assertEquals(List.of("a", "b"), List.copyOf(adjusted.keySet()));
    Comparison first = adjusted.values().iterator().next();
    assertEquals(Verdict.WITHIN_NOISE, first.verdict());
    assertEquals(0.0625, first.pValue(), 1e-15);
  }
}
