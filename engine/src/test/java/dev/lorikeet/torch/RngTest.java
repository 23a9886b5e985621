package dev.lorikeet.torch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

final class RngTest {
  private static final long GOLDEN = 0x9E3779B97F4A7C15L;

  /** SplittableRandom's first number is SplitMix64's finaliser of seed + γ. */
  private static long finish(long z) {
    return new SplittableRandom(z - GOLDEN).nextLong();
  }

  @Test
  void mixingIsSplitMix64OfTheJdk() {
    long[] samples = {0, 1, -1, 42, Long.MIN_VALUE, Long.MAX_VALUE, GOLDEN, 1L << 32};
    for (long a : samples) {
      for (long b : samples) {
        long expected = finish((finish(a + GOLDEN) ^ (b * GOLDEN + GOLDEN)) + GOLDEN);
        assertEquals(expected, Rng.mix(a, b), a + ", " + b);
      }
    }
  }

  /** Runs of other versions must be repeatable: these numbers never change. */
  @Test
  void numbersAreTheGoldenOnes() {
    assertEquals(0xcbf29ce484222325L, Rng.hash(new byte[0]));
    assertEquals(0xaf63dc4c8601ec8cL, Rng.hash(new byte[] {'a'})); // FNV's published test vector
    assertEquals(0xfb9ed81aceee94c0L, new Rng(42).bits(7));
    assertEquals(0xd422f49574c5e678L, new Rng(42).split("weights").bits(0));
    assertEquals(0.9828925195169467, new Rng(42).uniform(7), 0.0);
    assertEquals(1.6990480279781106, new Rng(42).gaussian(3), 1e-15);
  }

  /** χ² of 256 cells over 2¹⁸ draws has mean 255 and deviation 22.6: five of them are allowed. */
  @Test
  void uniformNumbersFillTheirInterval() {
    int draws = 1 << 18;
    for (long seed : new long[] {0, 1, 42}) {
      int[] cells = new int[256];
      Rng rng = new Rng(seed);
      for (int i = 0; i < draws; i++) {
        double u = rng.uniform(i);
        assertTrue(u >= 0 && u < 1, "uniform " + u);
        cells[(int) (u * 256)]++;
      }
      double expected = draws / 256.0;
      double chi = Arrays.stream(cells).mapToDouble(c -> (c - expected) * (c - expected)).sum();
      assertEquals(255, chi / expected, 5 * Math.sqrt(2 * 255), "seed " + seed);
    }
  }

  /** Mean, variance and fourth moment within five standard errors: 1/√n, √(2/n), √(96/n). */
  @Test
  void gaussianNumbersHaveTheRightMoments() {
    int draws = 1 << 18;
    Rng rng = new Rng(42);
    double[] moments = new double[5];
    for (int i = 0; i < draws; i++) {
      double x = rng.gaussian(i);
      for (int power = 1; power <= 4; power++) {
        moments[power] += Math.pow(x, power) / draws;
      }
    }
    assertEquals(0, moments[1], 5 * Math.sqrt(1.0 / draws));
    assertEquals(1, moments[2], 5 * Math.sqrt(2.0 / draws));
    assertEquals(3, moments[4], 5 * Math.sqrt(96.0 / draws));
  }

  @Test
  void streamsOfOtherNamesAndSeedsAreOthers() {
    Set<Long> seen = new HashSet<>();
    for (long seed = 0; seed < 50; seed++) {
      for (String name : new String[] {"a", "b", "ab", "ba", ""}) {
        for (long index = 0; index < 50; index++) {
          seen.add(new Rng(seed).split(name).bits(index));
        }
      }
    }
    assertEquals(50 * 5 * 50, seen.size());
    assertNotEquals(new Rng(1).split("a").split("b"), new Rng(1).split("b").split("a"));
  }
}
