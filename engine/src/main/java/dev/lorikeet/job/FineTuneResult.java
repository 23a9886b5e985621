package dev.lorikeet.job;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * What a fine-tuning gave.
 *
 * @param runId name of the run
 * @param directory its folder
 * @param output folder of the adapter in PEFT's layout, or of the whole model; of a stopped run
 *     that of its checkpoint
 * @param steps steps done, skipped ones included
 * @param trainLoss loss of the last update's step, nats a token; not a number without one
 * @param validationBefore held-out loss of the untouched model, if anything was held out
 * @param validationAfter held-out loss at the end
 * @param time wall time of training and validation, loading left out
 * @param tokens tokens read in training
 * @param peakBytes most bytes that tensors held; on a GPU, that its allocator gave out
 * @param peakReservedBytes most bytes of a GPU that its allocator held; empty elsewhere
 * @param peakResidentBytes most memory of the whole process, where the system tells
 * @param accuracyBefore share of held-out labelled tokens that the untouched model finds most
 *     likely
 * @param accuracyAfter the same at the end
 * @param ending why it ended, and what it can go on from
 */
public record FineTuneResult(
    String runId,
    Path directory,
    Path output,
    long steps,
    double trainLoss,
    OptionalDouble validationBefore,
    OptionalDouble validationAfter,
    Duration time,
    long tokens,
    long peakBytes,
    OptionalLong peakReservedBytes,
    OptionalLong peakResidentBytes,
    OptionalDouble accuracyBefore,
    OptionalDouble accuracyAfter,
    Ending ending) {

  /** Why a run ended. */
  public enum End {
    /** It did all its steps. */
    COMPLETE,
    /** The validation loss did not fall for {@code train.early_stopping_patience} validations. */
    EARLY,
    /** Somebody asked it to stop; it can go on. */
    STOPPED
  }

  /**
   * The end of a run.
   *
   * @param end why
   * @param skippedSteps bad steps that were left out
   * @param checkpoint the newest one, if any could be written
   * @param best the validation with the lowest loss after at least one step
   */
  public record Ending(
      End end, long skippedSteps, Optional<Path> checkpoint, Optional<Best> best) {}

  /**
   * A checkpoint with its validation loss.
   *
   * @param step steps it was made after
   * @param validationLoss nats a token
   * @param checkpoint its folder
   */
  public record Best(long step, double validationLoss, Path checkpoint) {}
}
