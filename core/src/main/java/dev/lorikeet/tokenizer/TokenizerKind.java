package dev.lorikeet.tokenizer;

/**
 * What kind of tokenizer it is.
 *
 * @param algorithm BPE, Unigram, WordPiece or WordLevel, as {@code tokenizer.json} names it; empty
 *     in a file that is too old to name it
 * @param files names of the files in the model's folder that it was read from
 */
public record TokenizerKind(String algorithm, String files) {

  public TokenizerKind {
    if (files.isEmpty()) {
      throw new IllegalArgumentException("a tokenizer is read from some file");
    }
  }

  @Override
  public String toString() {
    return algorithm.isEmpty() ? files : algorithm + " from " + files;
  }
}
