package dev.lorikeet.tokenizer;

/** What decoding does with tokens that steer the model, such as the end-of-sequence token. */
public enum SpecialTokens {
  /** They are written out. */
  KEEP,
  /** They are left out. */
  SKIP
}
