package dev.lorikeet.train;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * The micro-batch that a run chose for itself, and what it was chosen from.
 *
 * @param microBatch examples of a pass, at least 1
 * @param trials sizes that were timed, the smallest first; empty if there was one only
 */
public record MicroBatchChoice(int microBatch, List<Trial> trials) {

  /**
   * Speed of one size.
   *
   * @param microBatch examples of a pass
   * @param tokensPerSecond of forward and backward
   */
  public record Trial(int microBatch, double tokensPerSecond) {}

  public MicroBatchChoice {
    trials = List.copyOf(trials);
  }

  /** What was chosen, from what, and what that means for the numbers. */
  public String words() {
    String measured =
        trials.stream()
            .map(trial ->
                String.format(
                    Locale.ROOT, "%d: %,.0f", trial.microBatch(), trial.tokensPerSecond()))
            .collect(Collectors.joining(", "));
    return "train.micro_batch: auto is %d (%s). The run keeps it, also when it is resumed; another size would give the same numbers within rounding, not bit for bit."
        .formatted(
            microBatch,
            trials.isEmpty()
                ? "the only size that there is memory and data for"
                : "tokens a second by size: " + measured);
  }

  /** The choice for a run's record. */
  public Map<String, Object> json() {
    Map<String, Object> speeds = new LinkedHashMap<>();
    trials.forEach(trial -> speeds.put("" + trial.microBatch(), trial.tokensPerSecond()));
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("micro_batch", microBatch);
    json.put("tokens_per_second", speeds);
    return json;
  }
}
