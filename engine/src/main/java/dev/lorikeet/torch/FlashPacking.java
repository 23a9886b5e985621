package dev.lorikeet.torch;

import java.util.Arrays;

/**
 * Sequences one behind the other, as flash attention is told of them. The last query of a sequence
 * stands at its last key.
 */
public final class FlashPacking {
  private final int[] queryOffsets;
  private final int[] keyOffsets;
  private final int longestQuery;
  private final int longestKey;

  /**
   * From the lengths of at least one sequence.
   *
   * @param queries queries of every sequence
   * @param keys keys of every sequence, at least as many
   */
  public FlashPacking(int[] queries, int[] keys) {
    queryOffsets = offsets(queries);
    keyOffsets = offsets(keys);
    longestQuery = Arrays.stream(queries).max().orElseThrow();
    longestKey = Arrays.stream(keys).max().orElseThrow();
  }

  private static int[] offsets(int[] lengths) {
    int[] offsets = new int[lengths.length + 1];
    for (int i = 0; i < lengths.length; i++) {
      offsets[i + 1] = offsets[i] + lengths[i];
    }
    return offsets;
  }

  /** The first query of every sequence, and behind them the number of queries. */
  public int[] queryOffsets() {
    return queryOffsets.clone();
  }

  /** The first key of every sequence, and behind them the number of keys. */
  public int[] keyOffsets() {
    return keyOffsets.clone();
  }

  /** Most queries of a sequence. */
  public int longestQuery() {
    return longestQuery;
  }

  /** Most keys of a sequence. */
  public int longestKey() {
    return longestKey;
  }
}
