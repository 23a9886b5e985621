package dev.lorikeet.run;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.RunException;
import dev.lorikeet.format.AtomicFile;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Map;

/**
 * The folder of one run.
 *
 * <pre>
 * recipe.yaml      the resolved recipe
 * provenance.json  what the numbers depend on: data hashes, seed, versions, JVM, device, command line
 * metrics.jsonl    one JSON object per step, see {@link MetricsRow}
 * log.txt          what the run said, a line per event, with the time
 * adapter/         the trained adapter, PEFT layout
 * checkpoints/     where the run can go on from
 * summary.json     the result
 * </pre>
 *
 * <p>A folder belongs to one run: one that holds anything is refused, so that nothing is ever
 * overwritten. {@code log.txt} is created first and only if absent, which decides between two
 * processes that want the same folder.
 */
public final class RunDirectory {
  private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss");
  private static final int MOST_RUNS_PER_SECOND = 1000;
  private static final int LONGEST_NAME = 40;

  private final String id;
  private final Path path;

  private RunDirectory(String id, Path path) {
    this.id = id;
    this.path = path.toAbsolutePath().normalize();
  }

  /**
   * Makes {@code outputDir/<id>}, the id being time, technique and model, as in {@code
   * 20261122-184233-lora-nano}, with {@code -2}, {@code -3}, … when that is taken.
   *
   * @throws ConfigException if {@code outputDir} cannot hold folders
   */
  public static RunDirectory create(Path outputDir, String technique, String model, Clock clock) {
    String base = id(technique, model, clock);
    makeFolders("output.dir", outputDir);
    for (int number = 1; number <= MOST_RUNS_PER_SECOND; number++) {
      String id = number == 1 ? base : base + "-" + number;
      Path folder = outputDir.resolve(id);
      try {
        Files.createDirectory(folder);
      } catch (FileAlreadyExistsException taken) {
        continue;
      } catch (IOException e) {
        throw unusable("output.dir", outputDir, e);
      }
      return claimed(id, folder);
    }
    throw new RunException(
        outputDir + " already holds " + MOST_RUNS_PER_SECOND + " runs named " + base + "-…");
  }

  /**
   * Takes exactly {@code folder}, which is absent or empty; the run's id is made as in {@link
   * #create}.
   *
   * @throws ConfigException if {@code folder} is a file or holds anything
   */
  public static RunDirectory createAt(Path folder, String technique, String model, Clock clock) {
    requireFree(folder);
    makeFolders("--out", folder);
    return claimed(id(technique, model, clock), folder);
  }

  /**
   * Checks, without touching it, that {@code folder} is absent or empty.
   *
   * @throws ConfigException as {@link #createAt}
   */
  public static void requireFree(Path folder) {
    if (!Files.exists(folder)) {
      return;
    }
    if (!Files.isDirectory(folder)) {
      throw new ConfigException(
          "--out " + folder + " is a file, expected a folder that is absent or empty");
    }
    refuseContents(folder);
  }

  /**
   * The folder of a run that was done before.
   *
   * @throws ConfigException if it is gone
   */
  public static RunDirectory existing(RunRecord run) {
    if (!run.folderExists()) {
      throw new ConfigException(
          "The folder %s of run %s is gone, so there is nothing to go on from; move it back, or train anew"
              .formatted(run.folder(), run.id()));
    }
    return new RunDirectory(run.id(), run.folder());
  }

  /** The run's name, unique in its output folder. */
  public String id() {
    return id;
  }

  /** The folder, absolute. */
  public Path path() {
    return path;
  }

  /** Where the resolved recipe lies. */
  public Path recipe() {
    return path.resolve("recipe.yaml");
  }

  /** Where the provenance lies. */
  public Path provenance() {
    return path.resolve("provenance.json");
  }

  /** Where the measurements lie, one JSON object per line. */
  public Path metrics() {
    return path.resolve("metrics.jsonl");
  }

  /** Where the log lies. */
  public Path log() {
    return path.resolve("log.txt");
  }

  /** The folder for the trained adapter; the exporter makes it. */
  public Path adapter() {
    return path.resolve("adapter");
  }

  /** The folder for checkpoints. */
  public Path checkpoints() {
    return path.resolve("checkpoints");
  }

  /** Where the result lies. */
  public Path summary() {
    return path.resolve("summary.json");
  }

  /** Writes the resolved recipe, whole or not at all. */
  public void writeRecipe(String yaml) {
    AtomicFile.writeString(recipe(), yaml);
  }

  /** Writes the provenance in the order of {@code fields}, whole or not at all. */
  public void writeProvenance(Map<String, ?> fields) {
    AtomicFile.writeString(provenance(), Json.pretty(fields));
  }

  /** Writes the result in the order of {@code fields}, whole or not at all. */
  public void writeSummary(Map<String, ?> fields) {
    AtomicFile.writeString(summary(), Json.pretty(fields));
  }

  /**
   * Removes the measurements after {@code step}, and a last line that a killed process left half
   * written; all at once.
   */
  public void cutMetrics(long step) {
    if (!Files.exists(metrics())) {
      return;
    }
    StringBuilder kept = new StringBuilder();
    try {
      for (String line : Files.readAllLines(metrics())) {
        if (Json.step(line).orElse(Long.MAX_VALUE) <= step) {
          kept.append(line).append('\n');
        }
      }
    } catch (IOException e) {
      throw new RunException("Reading " + metrics() + " failed: " + RunJournal.reason(e), e);
    }
    AtomicFile.writeString(metrics(), kept.toString());
  }

  /** Opens the measurements and the log for appending; the caller closes them. */
  public RunJournal openJournal(Clock clock) {
    return new RunJournal(metrics(), log(), clock);
  }

  private static String id(String technique, String model, Clock clock) {
    return LocalDateTime.now(clock).format(TIME) + "-" + plain(technique) + "-" + plain(model);
  }

  /** Letters, digits, dots and hyphens only, so that the id is a folder name everywhere. */
  private static String plain(String name) {
    String plain =
        name.toLowerCase(Locale.ROOT)
            .replaceAll("[^a-z0-9.]+", "-")
            .replaceAll("^[-.]+|[-.]+$", "");
    if (plain.isEmpty()) {
      return "model";
    }
    return plain.substring(0, Math.min(plain.length(), LONGEST_NAME));
  }

  private static void makeFolders(String key, Path folder) {
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw unusable(key, folder, e);
    }
  }

  private static void refuseContents(Path folder) {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
      for (Path file : files) {
        boolean run = Files.exists(folder.resolve("log.txt"));
        throw taken(
            folder, run ? "holds another run" : "is not empty (" + file.getFileName() + ")");
      }
    } catch (IOException e) {
      throw unusable("--out", folder, e);
    }
  }

  private static RunDirectory claimed(String id, Path folder) {
    RunDirectory directory = new RunDirectory(id, folder);
    try {
      Files.createFile(directory.log());
    } catch (FileAlreadyExistsException e) {
      throw taken(folder, "was taken by another run just now");
    } catch (IOException e) {
      throw new RunException("Starting the log of the run failed: " + RunJournal.reason(e), e);
    }
    return directory;
  }

  private static ConfigException taken(Path folder, String why) {
    return new ConfigException(
        "--out "
            + folder
            + " "
            + why
            + ", and a run never overwrites files: name a folder that is absent or empty, or leave"
            + " --out away to get a new one under output.dir");
  }

  private static ConfigException unusable(String key, Path folder, IOException e) {
    return new ConfigException(
        key
            + " "
            + folder
            + " cannot be used as a folder for runs: "
            + RunJournal.reason(e)
            + "; name a folder that you may write to");
  }
}
