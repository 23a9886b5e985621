package dev.lorikeet.run;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * One run as the index knows it.
 *
 * @param id unique in its store
 * @param created when the run began
 * @param finished when it ended; empty while it runs and after an interruption
 * @param technique {@code lora}, {@code full}, …
 * @param model the base model's short name
 * @param folder the run's folder, absolute
 * @param status how far it came
 * @param recipe the resolved recipe, YAML
 * @param provenance what the numbers depend on, in the order that the run wrote it
 * @param summary what the run said at its end; empty before
 * @param progress the latest measurements
 * @param notes what the user learned, oldest first
 */
public record RunRecord(
    String id,
    Instant created,
    Optional<Instant> finished,
    String technique,
    String model,
    Path folder,
    RunStatus status,
    String recipe,
    Map<String, Object> provenance,
    Map<String, Object> summary,
    Progress progress,
    List<Note> notes) {

  public RunRecord {
    provenance = Ordered.copy(provenance);
    summary = Ordered.copy(summary);
    notes = List.copyOf(notes);
  }

  /** False where somebody moved or deleted the folder; the index keeps what it knows. */
  public boolean folderExists() {
    return Files.isDirectory(folder);
  }

  /**
   * The latest measurements of a run.
   *
   * @param steps the highest step written, 0 before the first
   * @param trainLoss the training loss there
   * @param validationLoss the latest validation loss, which may be of an earlier step
   */
  public record Progress(int steps, OptionalDouble trainLoss, OptionalDouble validationLoss) {}

  /**
   * A user's remark on a run.
   *
   * @param time when it was written
   * @param text one line or more, never empty
   */
  public record Note(Instant time, String text) {}

  /**
   * Something that happened in a run.
   *
   * @param time when
   * @param level {@code info}, {@code warning} or {@code error}
   * @param text one sentence
   */
  public record Event(Instant time, Level level, String text) {}

  /** How much an event matters. */
  public enum Level {
    INFO,
    WARNING,
    ERROR
  }

  /**
   * A file that a run produced.
   *
   * @param kind {@code adapter}, {@code checkpoint}, {@code model}, …
   * @param path the file or folder
   * @param sha256 hash of its bytes in hexadecimal; empty for a folder
   * @param bytes its size
   */
  public record Artefact(String kind, Path path, String sha256, long bytes) {}
}
