package dev.lorikeet.nn;

import dev.lorikeet.kernel.Segments;

/**
 * Tokens of one or several sequences, one behind the other, without padding.
 *
 * @param tokens [T] ids
 * @param positions [T] place of each token in its own sequence, from 0
 * @param segments one segment a sequence
 * @param exampleIds one a sequence: who it is, for masks that must not depend on its neighbours
 */
public record Sequences(int[] tokens, int[] positions, Segments segments, long[] exampleIds) {

  public Sequences {
    if (tokens.length != positions.length || segments.count() != exampleIds.length) {
      throw new IllegalStateException(
          tokens.length + " tokens, " + positions.length + " positions, " + segments.count()
              + " segments, " + exampleIds.length + " examples");
    }
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
}
