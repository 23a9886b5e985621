package dev.lorikeet.data;

import java.util.List;

/**
 * Examples joined into one row without padding, as flat arrays for the engine.
 *
 * <p>T is the number of tokens of all examples, S the number of examples. Example s is the segment
 * from {@code segmentStart[s]} of {@code segmentLength[s]} tokens; attention and positions stay
 * inside it. {@code labels[t]} is the token that position t has to predict, which is the next one
 * of its example, or {@link #NO_LABEL}.
 *
 * <p>The arrays are the batch's own and are handed out without a copy: read them only.
 */
public final class PackedBatch {
  /** Label of a position that predicts nothing. */
  public static final int NO_LABEL = -1;

  private final int[] tokens;
  private final int[] positions;
  private final int[] labels;
  private final int[] segmentStart;
  private final int[] segmentLength;
  private final long[] exampleIds;
  private final int labelCount;

  private PackedBatch(List<Example> examples) {
    int total = Math.toIntExact(examples.stream().mapToLong(Example::length).sum());
    tokens = new int[total];
    positions = new int[total];
    labels = new int[total];
    segmentStart = new int[examples.size()];
    segmentLength = new int[examples.size()];
    exampleIds = new long[examples.size()];
    int start = 0;
    for (int s = 0; s < examples.size(); s++) {
      Example example = examples.get(s);
      segmentStart[s] = start;
      segmentLength[s] = example.length();
      exampleIds[s] = example.id();
      example.copyTokens(tokens, start);
      for (int p = 0; p < example.length(); p++) {
        positions[start + p] = p;
        boolean learned = p + 1 < example.length() && example.isLearned(p + 1);
        labels[start + p] = learned ? example.token(p + 1) : NO_LABEL;
      }
      start += example.length();
    }
    labelCount = examples.stream().mapToInt(Example::labelCount).sum();
  }

  /** Joins {@code examples} in their order. */
  public static PackedBatch of(List<Example> examples) {
    if (examples.isEmpty()) {
      throw new IllegalArgumentException("a batch has at least one example");
    }
    // Stored examples are read once: the packing goes over them several times.
    return new PackedBatch(List.copyOf(examples));
  }

  /** Token ids, [T]. */
  public int[] tokens() {
    return tokens;
  }

  /** Position of each token in its example, from 0, [T]. */
  public int[] positions() {
    return positions;
  }

  /** Token to predict at each position or {@link #NO_LABEL}, [T]. */
  public int[] labels() {
    return labels;
  }

  /** First position of each example, [S]. */
  public int[] segmentStart() {
    return segmentStart;
  }

  /** Tokens of each example, [S]. */
  public int[] segmentLength() {
    return segmentLength;
  }

  /** {@link Example#id()} of each example, [S]. */
  public long[] exampleIds() {
    return exampleIds;
  }

  /** Positions that have a label. */
  public int labelCount() {
    return labelCount;
  }

  /** T, the number of tokens. */
  public int tokenCount() {
    return tokens.length;
  }
}
