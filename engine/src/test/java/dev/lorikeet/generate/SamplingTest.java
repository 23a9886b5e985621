package dev.lorikeet.generate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.ConfigException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class SamplingTest {
  private static final double[] PROBABILITIES = {0.15, 0.5, 0.05, 0.3};
  private static final int DRAWS = 20_000;

  /** Draws are a function of the seed, so this is five standard errors once and for all. */
  private static final double STANDARD_ERRORS = 5;

  @Test
  void temperatureZeroTakesTheMostLikelyAndTheFirstOfEquals() {
    assertEquals(1, Sampling.GREEDY.choose(logits(PROBABILITIES), 0, 0));
    assertEquals(1, Sampling.GREEDY.choose(new float[] {-3, 7, 2, 7}, 4, 9));
    assertEquals(2, new Sampling(0, 0.1, 99).choose(new float[] {-8, -9, -2}, 0, 0));
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1, 42, -7})
  void drawsFollowTheProbabilities(long seed) {
    assertFrequencies(PROBABILITIES, new Sampling(1, 1, seed));
  }

  @ParameterizedTest
  @CsvSource({"0.5", "2.0"})
  void temperatureRaisesProbabilitiesToItsInverse(double temperature) {
    double[] expected = new double[PROBABILITIES.length];
    double sum = 0;
    for (int i = 0; i < expected.length; i++) {
      expected[i] = Math.pow(PROBABILITIES[i], 1 / temperature);
      sum += expected[i];
    }
    for (int i = 0; i < expected.length; i++) {
      expected[i] /= sum;
    }
    assertFrequencies(expected, new Sampling(temperature, 1, 3));
  }

  @ParameterizedTest
  @CsvSource({
    "0.01, 0, 1, 0, 0",
    "0.49, 0, 1, 0, 0",
    "0.51, 0, 0.625, 0, 0.375",
    "0.79, 0, 0.625, 0, 0.375",
    "0.81, 0.157894737, 0.526315789, 0, 0.315789474",
    "0.96, 0.15, 0.5, 0.05, 0.3"
  })
  void topPKeepsTheSmallestSetThatReachesIt(
      double topP, double first, double second, double third, double fourth) {
    assertFrequencies(new double[] {first, second, third, fourth}, new Sampling(1, topP, 11));
  }

  @Test
  void topPIsTakenAfterTheTemperature() {
    // At temperature 1/4 the most likely token has 0.5⁴ / Σp⁴ = 0.878 of the probability.
    assertFrequencies(new double[] {0, 1, 0, 0}, new Sampling(0.25, 0.8, 1));
  }

  @Test
  void impossibleTokensAreNeverDrawn() {
    float[] logits = {0, Float.NEGATIVE_INFINITY, 0};
    Sampling sampling = new Sampling(5, 1, 8);
    assertTrue(IntStream.range(0, 1000).noneMatch(i -> sampling.choose(logits, 0, i) == 1));
  }

  @Test
  void largeLogitsDoNotOverflow() {
    assertEquals(1, new Sampling(0.01, 1, 0).choose(new float[] {3e4f, 4e4f, -4e4f}, 0, 0));
  }

  @Test
  void aDrawIsAFunctionOfSeedSequenceAndStep() {
    float[] logits = new float[512];
    int[] draws = draws(logits, 1, 0);
    assertEquals(DRAWS, draws.length);
    assertArrayEquals(draws, draws(logits, 1, 0));
    // Independent streams of 512 equally likely tokens agree in one place of 512.
    assertNotEquals(0, agreement(draws, draws(logits, 2, 0)));
    assertTrue(agreement(draws, draws(logits, 2, 0)) < DRAWS / 250, "another seed");
    assertTrue(agreement(draws, draws(logits, 1, 1)) < DRAWS / 250, "another sequence");
  }

  @Test
  void numbersOutOfRangeAreRefused() {
    assertEquals(
        "--temperature must be 0 or more, found -0.1", message(() -> new Sampling(-0.1, 1, 0)));
    assertEquals(
        "--temperature must be 0 or more, found Infinity",
        message(() -> new Sampling(Double.POSITIVE_INFINITY, 1, 0)));
    assertEquals(
        "--top-p must be above 0 and at most 1, found 0.0", message(() -> new Sampling(1, 0, 0)));
    assertEquals(
        "--top-p must be above 0 and at most 1, found NaN",
        message(() -> new Sampling(1, Double.NaN, 0)));
  }

  private static String message(Runnable action) {
    return assertThrows(ConfigException.class, action::run).getMessage();
  }

  private static void assertFrequencies(double[] expected, Sampling sampling) {
    int[] counts = new int[expected.length];
    float[] logits = logits(PROBABILITIES);
    for (int i = 0; i < DRAWS; i++) {
      counts[sampling.choose(logits, 0, i)]++;
    }
    for (int id = 0; id < expected.length; id++) {
      double p = expected[id];
      double error = STANDARD_ERRORS * Math.sqrt(p * (1 - p) / DRAWS);
      assertEquals(p, (double) counts[id] / DRAWS, error, "token " + id + " with " + sampling);
    }
  }

  /** Their logarithms, moved: softmax does not see it. */
  private static float[] logits(double[] probabilities) {
    float[] logits = new float[probabilities.length];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = (float) (Math.log(probabilities[i]) + 3);
    }
    return logits;
  }

  private static int[] draws(float[] logits, long seed, long sequence) {
    Sampling sampling = new Sampling(1, 1, seed);
    int[] draws = new int[DRAWS];
    for (int i = 0; i < DRAWS; i++) {
      draws[i] = sampling.choose(logits, sequence, i);
    }
    return draws;
  }

  private static int agreement(int[] a, int[] b) {
    return (int) IntStream.range(0, a.length).filter(i -> a[i] == b[i]).count();
  }
}
