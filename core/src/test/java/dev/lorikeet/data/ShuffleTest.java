package dev.lorikeet.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ShuffleTest {
  @Test
  void aPermutationHoldsEveryNumberOnce() {
    for (int size : new int[] {0, 1, 2, 13, 207, 10_000}) {
      int[] sorted = Shuffle.permutation(size, 42, 3);
      Arrays.sort(sorted);
      assertArrayEquals(IntStream.range(0, size).toArray(), sorted);
    }
  }

  @Test
  void permutationsDependOnSeedAndStreamOnly() {
    int[] first = Shuffle.permutation(100, 42, 0);
    assertArrayEquals(first, Shuffle.permutation(100, 42, 0));
    assertFalse(Arrays.equals(first, Shuffle.permutation(100, 43, 0)));
    assertFalse(Arrays.equals(first, Shuffle.permutation(100, 42, 1)));
    assertFalse(Arrays.equals(first, Shuffle.permutation(100, 42, Shuffle.SPLIT_STREAM)));
  }

  /** The numbers are printed by {@code reference/make_shuffle_fixture.py}. */
  @Test
  void permutationsAreThoseOfTheReference() {
    assertArrayEquals(new int[] {0, 3, 5, 7, 9, 8, 2, 1, 4, 6}, Shuffle.permutation(10, 42, 0));
    assertArrayEquals(new int[] {0, 8, 9, 4, 1, 3, 6, 7, 2, 5}, Shuffle.permutation(10, 0, 7));
    assertArrayEquals(
        new int[] {9, 5, 8, 1, 7, 6, 3, 2, 0, 4},
        Shuffle.permutation(10, -3, Shuffle.SPLIT_STREAM));
  }

  /** Chi-square over the 24 orders of 4: 23 degrees of freedom, 99.99 % quantile 58.6. */
  @Test
  void allOrdersAreEquallyLikely() {
    int draws = 24_000;
    Map<String, Integer> counts = new HashMap<>();
    for (int i = 0; i < draws; i++) {
      counts.merge(Arrays.toString(Shuffle.permutation(4, 5, i)), 1, Integer::sum);
    }
    assertEquals(24, counts.size());
    double chiSquare =
        counts.values().stream().mapToDouble(n -> (n - 1000.0) * (n - 1000.0) / 1000.0).sum();
    assertTrue(chiSquare < 58.6, "chi-square " + chiSquare);
  }
}
