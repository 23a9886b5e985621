package dev.lorikeet.config;

/** Examples of one forward and backward pass: a number, or the word that leaves it to the run. */
public sealed interface MicroBatchSize {

  /** The word that a recipe writes for {@link Auto}. */
  String AUTO = "auto";

  /** The fastest of the sizes that fit into memory; written {@value #AUTO}. */
  record Auto() implements MicroBatchSize {}

  /**
   * A given size.
   *
   * @param count at least 1
   */
  record Examples(int count) implements MicroBatchSize {}

  /** The value as a recipe writes it. */
  default String spelling() {
    return switch (this) {
      case Auto _ -> AUTO;
      case Examples(int count) -> Integer.toString(count);
    };
  }
}
