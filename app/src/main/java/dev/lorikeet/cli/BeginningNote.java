package dev.lorikeet.cli;

import dev.lorikeet.tokenizer.TokenizedText;
import dev.lorikeet.tokenizer.Tokenizer;
import dev.lorikeet.tokenizer.Tokenizer.Additions;

/** Tells a person that a text already begins with what the tokenizer would put in front. */
final class BeginningNote {
  /** Where a text begins with a special token, this much of it shows it. */
  private static final int ENOUGH = 256;

  private BeginningNote() {}

  /** Says so on standard error if {@code text} begins with the token that begins a sequence. */
  static void tell(Console console, Tokenizer tokenizer, String text) {
    String start = text.substring(0, Math.min(text.length(), ENOUGH));
    TokenizedText made = tokenizer.tokenize(start, Additions.NONE);
    switch (made.beginning()) {
      case PLAIN -> {}
      case WRITTEN_OUT ->
          console.message(
              ("note: the text itself begins with %s, which the tokenizer puts in front of every"
                      + " text; it is there once. transformers puts it there a second time unless"
                      + " add_special_tokens is false.")
                  .formatted(made.tokens().getFirst().piece()));
      case DOUBLED ->
          console.message(
              ("warning: the text itself begins with %s twice, which a model has hardly seen; it"
                      + " happens where a rendered chat template was tokenized with special tokens"
                      + " and decoded again.")
                  .formatted(made.tokens().getFirst().piece()));
    }
  }
}
