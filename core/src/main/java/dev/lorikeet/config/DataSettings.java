package dev.lorikeet.config;

import java.nio.file.Path;

/**
 * Which text is learned and how it becomes sequences of tokens.
 *
 * @param train file with the training records
 * @param validation held-out part: a share of {@code train} or a file of its own
 * @param format how the records are written
 * @param maxSeqLen longest sequence in tokens, at least 2; longer ones are cut at the end
 * @param packing whether the examples of one micro-batch are joined without padding; changes speed,
 *     never the training trajectory
 * @param maskPrompt whether only the response is trained
 * @param shuffle whether each epoch has an order of its own, drawn from the seed
 */
public record DataSettings(
    Path train,
    @Default("0.05") Validation validation,
    @Default("alpaca") Format format,
    @Default("512") int maxSeqLen,
    @Default("true") boolean packing,
    @Default("true") boolean maskPrompt,
    @Default("true") boolean shuffle) {

  /** Layout of a data file. */
  public enum Format implements Choice {
    /** JSON array or JSON lines with {@code instruction}, {@code input} and {@code output}. */
    ALPACA,
    /** A plain text file, or JSON records with a {@code text} key. */
    TEXT,
    /** JSON lines (or an array) with {@code prompt} and {@code completion}. */
    PROMPT_COMPLETION
  }

  /** Where held-out examples come from. */
  public sealed interface Validation {
    /** Share of the training records in [0, 1); 0 holds out none. */
    record Fraction(double value) implements Validation {}

    /** A file in the same format as the training file. */
    record File(Path path) implements Validation {}
  }

  public DataSettings {
    Check check =
        new Check()
            .notBlank("data.train", train.toString())
            .atLeast("data.max_seq_len", 2, maxSeqLen);
    switch (validation) {
      case Validation.Fraction(double value) -> check.fraction("data.validation", value);
      case Validation.File(Path path) -> check.notBlank("data.validation", path.toString());
    }
    check.done("data settings");
  }
}
