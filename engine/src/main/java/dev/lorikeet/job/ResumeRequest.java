package dev.lorikeet.job;

import java.nio.file.Path;
import java.util.List;

/**
 * Which run is to go on, and with what.
 *
 * @param outputDir folder with the index of runs
 * @param run the run's id, or the beginning of it
 * @param overrides recipe keys to change, as in {@code train.epochs=2}
 * @param changes what to do where recipe or surroundings are not those of before
 */
public record ResumeRequest(Path outputDir, String run, List<String> overrides, Changes changes) {

  /** Whether a run may go on although it then is not the one that was begun. */
  public enum Changes {
    /** The differences are told and nothing is done. */
    REFUSE,
    /** The differences are told and recorded. */
    ALLOW
  }

  public ResumeRequest {
    overrides = List.copyOf(overrides);
  }

  /** The run as it was begun. */
  public static ResumeRequest of(Path outputDir, String run) {
    return new ResumeRequest(outputDir, run, List.of(), Changes.REFUSE);
  }
}
