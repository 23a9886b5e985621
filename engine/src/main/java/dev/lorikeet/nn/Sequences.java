package dev.lorikeet.nn;

import dev.lorikeet.kernel.Segments;
import java.util.Arrays;

/** Tokens of one or several sequences, one behind the other, without padding. */
public final class Sequences {
  private final int[] tokens;
  private final int[] positions;
  private final Segments segments;
  private final long[] exampleIds;

  /**
   * Takes over the arrays.
   *
   * @param tokens [T] ids
   * @param positions [T] place of each token in its own sequence, from 0
   * @param segments one segment a sequence
   * @param exampleIds one a sequence: who it is, for masks that must not depend on its neighbours
   */
  public Sequences(int[] tokens, int[] positions, Segments segments, long[] exampleIds) {
    if (tokens.length != positions.length || segments.count() != exampleIds.length) {
      throw new IllegalStateException(
          "%d tokens, %d positions, %d segments, %d examples"
              .formatted(tokens.length, positions.length, segments.count(), exampleIds.length));
    }
    this.tokens = tokens;
    this.positions = positions;
    this.segments = segments;
    this.exampleIds = exampleIds;
  }

  /** One sequence from its beginning. */
  public static Sequences of(int... tokens) {
    int[] positions = new int[tokens.length];
    for (int i = 0; i < positions.length; i++) {
      positions[i] = i;
    }
    return new Sequences(
        tokens.clone(),
        positions,
        Segments.packed(new int[] {0}, new int[] {tokens.length}),
        new long[] {0});
  }

  /** Number of tokens, T. */
  public int length() {
    return tokens.length;
  }

  /** Segments, one a sequence. */
  public Segments segments() {
    return segments;
  }

  /** Id of the example that sequence {@code s} is. */
  public long exampleId(int s) {
    return exampleIds[s];
  }

  /** Position of row {@code t} in its sequence. */
  public int position(int t) {
    return positions[t];
  }

  /** The rows given, ascending; each keeps its position and its example. */
  Sequences select(int[] rows) {
    int[] rowTokens = new int[rows.length];
    int[] rowPositions = new int[rows.length];
    int[] starts = new int[segments.count()];
    int[] lengths = new int[segments.count()];
    long[] ids = new long[segments.count()];
    int count = 0;
    int segment = 0;
    int lastSegment = -1;
    for (int i = 0; i < rows.length; i++) {
      rowTokens[i] = tokens[rows[i]];
      rowPositions[i] = positions[rows[i]];
      while (rows[i] >= segments.queryStart(segment) + segments.queryLength(segment)) {
        segment++;
      }
      if (segment != lastSegment) {
        starts[count] = i;
        ids[count] = exampleIds[segment];
        count++;
        lastSegment = segment;
      }
      lengths[count - 1]++;
    }
    return new Sequences(
        rowTokens,
        rowPositions,
        Segments.packed(Arrays.copyOf(starts, count), Arrays.copyOf(lengths, count)),
        Arrays.copyOf(ids, count));
  }

  int[] tokens() {
    return tokens;
  }

  int[] positions() {
    return positions;
  }
}
