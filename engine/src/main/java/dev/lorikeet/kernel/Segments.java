package dev.lorikeet.kernel;

/**
 * Which rows of a packed batch attend to which: every segment is one example, and attends to
 * nothing outside itself.
 *
 * <p>Segment {@code s} asks with the rows {@code queryStart(s) …} of the queries over the rows
 * {@code keyStart(s) …} of keys and values. Its last query stands at the position of its last key,
 * so a segment with more keys than queries continues a cached sequence.
 */
public final class Segments {
  private final int[] queryStart;
  private final int[] queryLength;
  private final int[] keyStart;
  private final int[] keyLength;

  /** The four arrays have one entry a segment; key lengths are at least the query lengths. */
  public Segments(int[] queryStart, int[] queryLength, int[] keyStart, int[] keyLength) {
    this.queryStart = queryStart.clone();
    this.queryLength = queryLength.clone();
    this.keyStart = keyStart.clone();
    this.keyLength = keyLength.clone();
    int count = queryStart.length;
    if (queryLength.length != count || keyStart.length != count || keyLength.length != count) {
      throw new IllegalStateException("segments need four arrays of one length");
    }
    for (int s = 0; s < count; s++) {
      if (queryLength[s] > keyLength[s]) {
        throw new IllegalStateException(
            "segment " + s + " has " + queryLength[s] + " queries, only " + keyLength[s] + " keys");
      }
    }
  }

  /** Whole examples, one behind the other, whose queries and keys are the same rows. */
  public static Segments packed(int[] start, int[] length) {
    return new Segments(start, length, start, length);
  }

  public int count() {
    return queryStart.length;
  }

  public int queryStart(int segment) {
    return queryStart[segment];
  }

  public int queryLength(int segment) {
    return queryLength[segment];
  }

  public int keyStart(int segment) {
    return keyStart[segment];
  }

  public int keyLength(int segment) {
    return keyLength[segment];
  }
}
