package dev.lorikeet.tokenizer;

/**
 * A token and the place in the text that it stands for.
 *
 * @param id in the vocabulary
 * @param piece as the vocabulary writes it, which for many tokenizers is not the text itself
 * @param start position of its first character in the text (UTF-16, as {@link String#charAt})
 * @param end position behind its last; the same as {@code start} for what is not in the text
 * @param kind what it is for
 */
public record Token(int id, String piece, int start, int end, Kind kind) {

  public Token {
    if (id < 0 || start < 0 || end < start) {
      throw new IllegalArgumentException(
          "a token has an id and a place from 0, found id %d, %d to %d".formatted(id, start, end));
    }
  }

  /** What a token is for. */
  public enum Kind {
    /** Stands for text. */
    TEXT,
    /** Stands for text that the vocabulary has no token for. */
    UNKNOWN,
    /** Steers the model; written out in the text. */
    SPECIAL,
    /** Steers the model; put there by the tokenizer's policy. */
    ADDED
  }
}
