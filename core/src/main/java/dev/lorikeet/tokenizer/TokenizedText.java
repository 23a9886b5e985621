package dev.lorikeet.tokenizer;

import java.util.List;

/**
 * A text as tokens.
 *
 * @param tokens in the order of the text
 * @param beginning what stands in front
 */
public record TokenizedText(List<Token> tokens, Beginning beginning) {

  public TokenizedText {
    tokens = List.copyOf(tokens);
  }

  /** How the text begins, if it begins with the token that begins a sequence. */
  public enum Beginning {
    /** Only with what was put in front, if anything. */
    PLAIN,
    /** The text writes out what the policy would have put in front: it was not put there again. */
    WRITTEN_OUT,
    /** The text writes out BOS twice or more; all of them are there. */
    DOUBLED
  }

  /** The ids. */
  public int[] ids() {
    return tokens.stream().mapToInt(Token::id).toArray();
  }

  /** How many tokens are of {@code kind}. */
  public long count(Token.Kind kind) {
    return tokens.stream().filter(token -> token.kind() == kind).count();
  }
}
