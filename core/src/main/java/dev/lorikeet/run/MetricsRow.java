package dev.lorikeet.run;

import java.util.Map;
import java.util.OptionalDouble;

/**
 * What was measured at one step (optimiser update) of a run.
 *
 * <p>A loss or gradient norm that is not finite is kept as "not a number": JSON and SQLite have no
 * other word for it.
 *
 * @param step the optimiser step, from 1; 0 is a measurement before training
 * @param epoch passes over the training data so far, with fraction, ≥ 0
 * @param trainLoss mean loss per labelled token of this step, in nats
 * @param validationLoss the same on the validation data, on the steps that measure it
 * @param validationAccuracy share of the validation data's labelled tokens that the model finds
 *     most likely, 0 to 1, on the same steps
 * @param learningRate the rate that this step used, ≥ 0
 * @param gradNorm Euclidean norm of all gradients before clipping
 * @param tokens how much text the step saw, and how fast
 * @param usage what the machine spent on it
 * @param elapsedNanos time since the training began, ≥ 0
 */
public record MetricsRow(
    int step,
    double epoch,
    double trainLoss,
    OptionalDouble validationLoss,
    OptionalDouble validationAccuracy,
    double learningRate,
    double gradNorm,
    Tokens tokens,
    Usage usage,
    long elapsedNanos) {

  public MetricsRow {
    atLeastZero("step", step);
    atLeastZero("epoch", epoch);
    validationAccuracy.ifPresent(value -> share("validationAccuracy", value));
    atLeastZero("learningRate", learningRate);
    atLeastZero("elapsedNanos", elapsedNanos);
  }

  /** The row as one JSON object, keys in snake case; an absent measurement has no key. */
  public Map<String, Object> toJson() {
    return Json.of(this);
  }

  /**
   * The text of one step.
   *
   * @param labelled tokens that carried a label in this step, ≥ 0
   * @param total all tokens of this step, masked ones included, ≥ labelled
   * @param perSecond total tokens per second of wall time, ≥ 0
   */
  public record Tokens(long labelled, long total, double perSecond) {
    public Tokens {
      atLeastZero("labelled tokens", labelled);
      atLeastZero("tokens per second", perSecond);
      if (total < labelled) {
        throw new IllegalStateException(
            "total tokens " + total + " are fewer than the labelled ones, " + labelled);
      }
    }
  }

  /**
   * What the machine spent.
   *
   * @param cpuUtilisation share of all cores that was busy, 0 to 1
   * @param gpuUtilisation share of the time that the GPU was busy, 0 to 1; empty without a GPU
   * @param currentBytes memory in use at the end of the step, ≥ 0
   * @param peakBytes the most memory in use since the run began, ≥ 0
   */
  public record Usage(
      double cpuUtilisation, OptionalDouble gpuUtilisation, long currentBytes, long peakBytes) {
    public Usage {
      share("cpuUtilisation", cpuUtilisation);
      gpuUtilisation.ifPresent(value -> share("gpuUtilisation", value));
      atLeastZero("currentBytes", currentBytes);
      atLeastZero("peakBytes", peakBytes);
    }
  }

  private static void atLeastZero(String name, double value) {
    if (!(value >= 0) || Double.isInfinite(value)) {
      throw new IllegalStateException(name + " is " + value + ", expected a finite number >= 0");
    }
  }

  private static void atLeastZero(String name, long value) {
    if (value < 0) {
      throw new IllegalStateException(name + " is " + value + ", expected >= 0");
    }
  }

  private static void share(String name, double value) {
    if (!(value >= 0 && value <= 1)) {
      throw new IllegalStateException(name + " is " + value + ", expected 0 to 1");
    }
  }
}
