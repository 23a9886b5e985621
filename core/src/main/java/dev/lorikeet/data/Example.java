package dev.lorikeet.data;

import java.nio.IntBuffer;
import java.util.Arrays;
import java.util.BitSet;

/**
 * One training sequence: tokens and which of them are learned, usually all from {@link
 * #firstLabel()} on.
 *
 * <p>A token is learned by predicting it from the tokens before it, so the first token of a
 * sequence never is: {@code firstLabel} is at least 1. Immutable; arrays are copied in and out.
 */
public final class Example {
  private static final BitSet NONE = new BitSet(0);

  private final long id;
  private final int[] tokens;
  private final int firstLabel;

  /** Positions behind the first label that are not learned. */
  private final BitSet unlearned;

  /**
   * Makes an example that is learned from a position on.
   *
   * @param id index of the record in its source (for windows of a text: of the window), from 0; the
   *     same in every run, so that random draws can be tied to it
   * @param tokens at least one id; copied
   * @param firstLabel position of the first token that is learned, 1 to the number of tokens
   */
  public Example(long id, int[] tokens, int firstLabel) {
    this(id, tokens.clone(), firstLabel, NONE);
  }

  private Example(long id, int[] tokens, int firstLabel, BitSet unlearned) {
    if (id < 0 || tokens.length == 0 || firstLabel < 1 || firstLabel > tokens.length) {
      throw new IllegalArgumentException(
          "example " + id + ": " + tokens.length + " tokens, first label " + firstLabel);
    }
    this.id = id;
    this.tokens = tokens;
    this.firstLabel = firstLabel;
    this.unlearned = unlearned;
  }

  /**
   * Makes an example of which any tokens are learned.
   *
   * @param id see {@link #Example(long, int[], int)}
   * @param tokens at least one id; copied
   * @param learned positions that are learned; what it says of the first and of those behind the
   *     last token does not count; copied
   */
  public static Example of(long id, int[] tokens, BitSet learned) {
    int found = learned.nextSetBit(1);
    int firstLabel = found < 0 || found > tokens.length ? tokens.length : found;
    BitSet unlearned = learned.get(0, tokens.length);
    unlearned.flip(0, tokens.length);
    unlearned.clear(0, firstLabel);
    return new Example(id, tokens.clone(), firstLabel, unlearned.isEmpty() ? NONE : unlearned);
  }

  /** Index of the record in its source, from 0. */
  public long id() {
    return id;
  }

  /** A copy of the token ids. */
  public int[] tokens() {
    return tokens.clone();
  }

  /** Number of tokens, at least 1. */
  public int length() {
    return tokens.length;
  }

  /** Token id at {@code position}, from 0. */
  public int token(int position) {
    return tokens[position];
  }

  /** Position of the first token that is learned; {@link #length()} if none is. */
  public int firstLabel() {
    return firstLabel;
  }

  /** Whether the token at {@code position} is learned. */
  public boolean isLearned(int position) {
    return position >= firstLabel && !unlearned.get(position);
  }

  /** How many tokens are learned. */
  public int labelCount() {
    return tokens.length - firstLabel - unlearned.cardinality();
  }

  /** The first {@code length} tokens, 1 to {@link #length()}. */
  Example first(int length) {
    return new Example(
        id,
        Arrays.copyOf(tokens, length),
        Math.min(firstLabel, length),
        unlearned.length() <= length ? unlearned : unlearned.get(0, length));
  }

  /** The same with another id. */
  Example withId(long newId) {
    return newId == id ? this : new Example(newId, tokens, firstLabel, unlearned);
  }

  /** Writes the token ids to {@code target}, as {@link ExampleBytes} has them. */
  void write(IntBuffer target) {
    target.put(tokens);
    for (int i = unlearned.nextSetBit(0); i >= 0; i = unlearned.nextSetBit(i + 1)) {
      target.put(i, ~tokens[i]);
    }
  }

  /** Writes the token ids to {@code target} from {@code offset} on. */
  void copyTokens(int[] target, int offset) {
    System.arraycopy(tokens, 0, target, offset, tokens.length);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Example that
        && id == that.id
        && firstLabel == that.firstLabel
        && Arrays.equals(tokens, that.tokens)
        && unlearned.equals(that.unlearned);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * (31 * Long.hashCode(id) + firstLabel) + Arrays.hashCode(tokens))
        + unlearned.hashCode();
  }

  @Override
  public String toString() {
    return "Example[id="
        + id
        + ", firstLabel="
        + firstLabel
        + ", tokens="
        + Arrays.toString(tokens)
        + (unlearned.isEmpty() ? "" : ", not learned=" + unlearned)
        + "]";
  }
}
