package dev.lorikeet.data;

import java.nio.IntBuffer;
import java.util.Arrays;

/**
 * One training sequence: tokens, of which those from {@link #firstLabel()} on are learned.
 *
 * <p>A token is learned by predicting it from the tokens before it, so the first token of a
 * sequence never is: {@code firstLabel} is at least 1. Immutable; arrays are copied in and out.
 */
public final class Example {
  private final long id;
  private final int[] tokens;
  private final int firstLabel;

  /**
   * Makes an example.
   *
   * @param id index of the record in its source (for windows of a text: of the window), from 0; the
   *     same in every run, so that random draws can be tied to it
   * @param tokens at least one id; copied
   * @param firstLabel position of the first token that is learned, 1 to the number of tokens
   */
  public Example(long id, int[] tokens, int firstLabel) {
    if (id < 0 || tokens.length == 0 || firstLabel < 1 || firstLabel > tokens.length) {
      throw new IllegalArgumentException(
          "example " + id + ": " + tokens.length + " tokens, first label " + firstLabel);
    }
    this.id = id;
    this.tokens = tokens.clone();
    this.firstLabel = firstLabel;
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

  /** How many tokens are learned. */
  public int labelCount() {
    return tokens.length - firstLabel;
  }

  /** Writes the token ids to {@code target}. */
  void copyTokens(IntBuffer target) {
    target.put(tokens);
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
        && Arrays.equals(tokens, that.tokens);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * Long.hashCode(id) + firstLabel) + Arrays.hashCode(tokens);
  }

  @Override
  public String toString() {
    return "Example[id="
        + id
        + ", firstLabel="
        + firstLabel
        + ", tokens="
        + Arrays.toString(tokens)
        + "]";
  }
}
