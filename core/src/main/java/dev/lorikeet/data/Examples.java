package dev.lorikeet.data;

import java.util.AbstractList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PrimitiveIterator;
import java.util.RandomAccess;
import java.util.stream.IntStream;

/**
 * Examples that need not lie in memory: {@link #get} may read one from a disk, which takes
 * microseconds, and gives an object of its own each time. Questions about lengths are answered
 * without reading the examples. Unchangeable; may be read by several threads.
 */
public abstract sealed class Examples extends AbstractList<Example> implements RandomAccess
    permits HeldExamples, StoredExamples {

  /** {@code examples}, held in memory unless they are {@link Examples} already. */
  public static Examples of(List<Example> examples) {
    return examples instanceof Examples already ? already : new HeldExamples(List.copyOf(examples));
  }

  /** Length of the longest example in tokens, 0 if there is none. */
  public abstract int longestLength();

  /** Highest token id of all, −1 if there is none. */
  abstract int highestToken();

  /** Lengths in tokens, in the order of the examples. */
  abstract PrimitiveIterator.OfInt lengths();

  /**
   * The longest examples, from the longest on; equally long ones in their own order.
   *
   * @param count how many; more than there are gives all
   */
  public List<Example> longest(int count) {
    int[] rank = counts();
    int longer = 0;
    for (int length = rank.length - 1; length >= 0; length--) {
      int here = rank[length];
      rank[length] = longer;
      longer += here;
    }
    return ranked(rank, IntStream.range(0, Math.min(count, size())).toArray());
  }

  /**
   * The examples at {@code ranks} in the order of their length, shortest first; equally long ones
   * in their own order.
   *
   * @param ranks each from 0 to {@link #size()} − 1
   */
  public List<Example> byLength(int... ranks) {
    int[] rank = counts();
    int shorter = 0;
    for (int length = 0; length < rank.length; length++) {
      int here = rank[length];
      rank[length] = shorter;
      shorter += here;
    }
    return ranked(rank, ranks);
  }

  /** How many examples have each length. */
  private int[] counts() {
    int[] counts = new int[longestLength() + 1];
    lengths().forEachRemaining((int length) -> counts[length]++);
    return counts;
  }

  /**
   * The examples at {@code ranks}.
   *
   * @param first rank of the first example of each length; counts on
   */
  private List<Example> ranked(int[] first, int[] ranks) {
    Map<Integer, Integer> indices = new HashMap<>();
    Arrays.stream(ranks).forEach(rank -> indices.put(rank, -1));
    PrimitiveIterator.OfInt lengths = lengths();
    for (int index = 0; lengths.hasNext(); index++) {
      indices.replace(first[lengths.nextInt()]++, index);
    }
    return Arrays.stream(ranks).mapToObj(rank -> get(indices.getOrDefault(rank, -1))).toList();
  }
}
