package dev.lorikeet.run;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.RunException;
import dev.lorikeet.run.RunRecord.Artefact;
import dev.lorikeet.run.RunRecord.Event;
import dev.lorikeet.run.RunRecord.Level;
import dev.lorikeet.run.RunRecord.Note;
import dev.lorikeet.run.RunRecord.Progress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The index of all runs of one output folder, in {@code runs.db} (SQLite, WAL): while one process
 * writes, others read and add notes. It repeats what the runs' folders hold, so that listing and
 * comparing needs no folder to be read, and goes on where a folder was moved or deleted.
 *
 * <p>May be used by several threads. Every method throws {@link RunException} where the disk is
 * full or the file stays locked, and {@link dev.lorikeet.error.FormatException} where it is
 * damaged. The one who opened it closes it.
 */
public final class RunStore implements AutoCloseable {
  /** The index's name in the output folder. */
  public static final String FILE_NAME = "runs.db";

  private static final int MOST_CANDIDATES = 5;
  private static final String SELECT =
      """
      SELECT r.*,
        (SELECT max(step) FROM metrics WHERE run_id = r.id) AS steps,
        (SELECT train_loss FROM metrics WHERE run_id = r.id ORDER BY step DESC LIMIT 1)
          AS last_train_loss,
        (SELECT validation_loss FROM metrics WHERE run_id = r.id AND validation_loss IS NOT NULL
          ORDER BY step DESC LIMIT 1) AS last_validation_loss
      FROM runs r\
      """;

  private final Path outputDir;
  private final Clock clock;
  private final RunDatabase database;
  private final MetricsTable metrics;

  private RunStore(Path outputDir, Clock clock) {
    this.outputDir = outputDir.toAbsolutePath().normalize();
    this.clock = clock;
    this.database = new RunDatabase(this.outputDir.resolve(FILE_NAME));
    this.metrics = new MetricsTable(database);
  }

  /** Opens the index of {@code outputDir}, with folder and index made where they are absent. */
  public static RunStore open(Path outputDir, Clock clock) {
    try {
      Files.createDirectories(outputDir);
    } catch (IOException e) {
      throw new ConfigException(
          "output.dir "
              + outputDir
              + " cannot be used as a folder for runs: "
              + RunJournal.reason(e)
              + "; name a folder that you may write to");
    }
    return new RunStore(outputDir, clock);
  }

  /** Opens the index of {@code outputDir}; empty, and nothing made, where no run was ever done. */
  public static Optional<RunStore> openIfPresent(Path outputDir, Clock clock) {
    return Files.exists(outputDir.resolve(FILE_NAME))
        ? Optional.of(new RunStore(outputDir, clock))
        : Optional.empty();
  }

  /**
   * Enters a run as running, done by this process. Its id is the folder's, with a number added in
   * the case that a run whose folder was deleted already had it.
   *
   * @param recipe the resolved recipe, YAML
   * @param provenance as in {@link RunDirectory#writeProvenance}
   */
  public synchronized RunRecord create(
      RunDirectory directory,
      String technique,
      String model,
      String recipe,
      Map<String, ?> provenance) {
    for (int number = 1; ; number++) {
      String id = number == 1 ? directory.id() : directory.id() + "-" + number;
      if (database.insertIfAbsent(
          "Entering a run",
          "INSERT INTO runs VALUES (?, ?, NULL, ?, ?, ?, ?, ?, ?, '{}', ?)",
          id,
          clock.millis(),
          technique,
          model,
          stored(directory.path()),
          RunStatus.RUNNING.label(),
          recipe,
          Json.line(provenance),
          RunProcess.current().toString())) {
        return get(id);
      }
    }
  }

  /** Adds the measurements of a step; a step measured again replaces the first measurement. */
  public synchronized void append(String runId, MetricsRow row) {
    metrics.append(runId, row);
  }

  /**
   * Takes a run that has ended up again, to be done by this process.
   *
   * @param step the measurements after it are forgotten, for they will be made again
   * @param recipe the resolved recipe that counts from now on
   * @param provenance as in {@link #create}
   * @throws RunException if another process does the run, or took it up just now
   */
  public synchronized void takeUp(
      RunRecord run, long step, String recipe, Map<String, ?> provenance) {
    String process =
        database
            .query("SELECT process FROM runs WHERE id = ?", row -> row.getString(1), run.id())
            .getFirst();
    int changed =
        get(run.id()).status() == RunStatus.RUNNING
            ? 0
            : database.change(
                "Taking up a run",
                "UPDATE runs SET status = ?, finished = NULL, summary = '{}', recipe = ?,"
                    + " provenance = ?, process = ? WHERE id = ? AND process = ?",
                RunStatus.RUNNING.label(),
                recipe,
                Json.line(provenance),
                RunProcess.current().toString(),
                run.id(),
                process);
    if (changed != 1) {
      throw new RunException(
          "Run " + run.id() + " is at work in another process; wait for its end, or stop it");
    }
    metrics.cut(run.id(), step);
  }

  /** Adds something that happened. */
  public synchronized void event(String runId, Level level, String text) {
    database.change(
        "Adding an event",
        "INSERT INTO events (run_id, time, level, text) VALUES (?, ?, ?, ?)",
        runId,
        clock.millis(),
        level.name(),
        text);
  }

  /** Adds a file that the run produced, once. */
  public synchronized void artefact(String runId, Artefact artefact) {
    database.change(
        "Adding an artefact",
        "INSERT INTO artefacts (run_id, kind, path, sha256, bytes) SELECT ?1, ?2, ?3, ?4, ?5"
            + " WHERE NOT EXISTS (SELECT 1 FROM artefacts WHERE run_id = ?1 AND path = ?3)",
        runId,
        artefact.kind(),
        stored(artefact.path()),
        artefact.sha256(),
        artefact.bytes());
  }

  /**
   * Ends a run.
   *
   * @param summary the result, as in {@link RunDirectory#writeSummary}
   */
  public synchronized void finish(String runId, RunStatus status, Map<String, ?> summary) {
    int changed =
        database.change(
            "Ending a run",
            "UPDATE runs SET status = ?, summary = ?, finished = ? WHERE id = ?",
            status.label(),
            Json.line(summary),
            clock.millis(),
            runId);
    if (changed != 1) {
      throw new IllegalStateException("no run " + runId + " in " + database.file());
    }
  }

  /**
   * Adds what the user learned from a run.
   *
   * @throws ConfigException if {@code text} is blank
   */
  public synchronized Note note(String runId, String text) {
    if (text.isBlank()) {
      throw new ConfigException("The note for run " + runId + " is empty; write at least a word");
    }
    Note note = new Note(Instant.ofEpochMilli(clock.millis()), text.strip());
    database.change(
        "Adding a note",
        "INSERT INTO notes (run_id, time, text) VALUES (?, ?, ?)",
        runId,
        note.time().toEpochMilli(),
        note.text());
    return note;
  }

  /** All runs, the newest first. */
  public synchronized List<RunRecord> list() {
    return database.query(SELECT + " ORDER BY r.created DESC, r.rowid DESC", this::record);
  }

  /**
   * The run whose id is {@code idOrPrefix} or alone begins with it.
   *
   * @throws ConfigException if several ids begin with it; names them
   */
  public synchronized Optional<RunRecord> find(String idOrPrefix) {
    List<RunRecord> exact = database.query(SELECT + " WHERE r.id = ?", this::record, idOrPrefix);
    if (!exact.isEmpty()) {
      return Optional.of(exact.getFirst());
    }
    if (idOrPrefix.isEmpty()) {
      return Optional.empty();
    }
    List<String> ids = ids().stream().filter(id -> id.startsWith(idOrPrefix)).toList();
    if (ids.size() > 1) {
      throw new ConfigException(
          "Run " + idOrPrefix + " could be any of " + named(ids) + "; write more of the id");
    }
    return ids.isEmpty() ? Optional.empty() : find(ids.getFirst());
  }

  /**
   * Like {@link #find}, for a run that has to be there.
   *
   * @throws ConfigException if there is none; names the nearest
   */
  public synchronized RunRecord get(String idOrPrefix) {
    return find(idOrPrefix).orElseThrow(() -> unknown(idOrPrefix));
  }

  /** The measurements of a run in the order of its steps. */
  public synchronized List<MetricsRow> metrics(String runId) {
    return metrics.of(runId);
  }

  /** The events of a run, oldest first. */
  public synchronized List<Event> events(String runId) {
    return database.query(
        "SELECT * FROM events WHERE run_id = ? ORDER BY number",
        row -> new Event(time(row), Level.valueOf(row.getString("level")), row.getString("text")),
        runId);
  }

  /** The files that a run produced, in the order of their entry. */
  public synchronized List<Artefact> artefacts(String runId) {
    return database.query(
        "SELECT * FROM artefacts WHERE run_id = ? ORDER BY number",
        row ->
            new Artefact(
                row.getString("kind"),
                outputDir.resolve(row.getString("path")),
                row.getString("sha256"),
                row.getLong("bytes")),
        runId);
  }

  /** What is different between two runs; each is named as in {@link #get}. */
  public synchronized RunDiff diff(String first, String second) {
    RunRecord left = get(first);
    RunRecord right = get(second);
    return RunDiff.of(left, metrics(left.id()), right, metrics(right.id()));
  }

  @Override
  public synchronized void close() {
    database.close();
  }

  private List<String> ids() {
    return database.query(
        "SELECT id FROM runs ORDER BY created DESC, rowid DESC", row -> row.getString(1));
  }

  private ConfigException unknown(String text) {
    List<String> ids = ids();
    List<String> near = ids.stream().filter(id -> !text.isBlank() && id.contains(text)).toList();
    String hint;
    if (ids.isEmpty()) {
      hint = "there is none yet";
    } else if (near.isEmpty()) {
      hint = "the newest are " + named(ids);
    } else {
      hint = "did you mean " + named(near) + "?";
    }
    return new ConfigException("No run of " + outputDir + " is named " + text + "; " + hint);
  }

  private static String named(List<String> ids) {
    String names = ids.stream().limit(MOST_CANDIDATES).collect(Collectors.joining(", "));
    return ids.size() <= MOST_CANDIDATES
        ? names
        : names + " and " + (ids.size() - MOST_CANDIDATES) + " more";
  }

  /** Folders inside the output folder are kept relative, so that all of it can be moved. */
  private String stored(Path path) {
    Path absolute = path.toAbsolutePath().normalize();
    return absolute.startsWith(outputDir)
        ? outputDir.relativize(absolute).toString()
        : absolute.toString();
  }

  private RunRecord record(ResultSet row) throws SQLException {
    long finished = row.getLong("finished");
    Optional<Instant> end =
        row.wasNull() ? Optional.empty() : Optional.of(Instant.ofEpochMilli(finished));
    return new RunRecord(
        row.getString("id"),
        Instant.ofEpochMilli(row.getLong("created")),
        end,
        row.getString("technique"),
        row.getString("model"),
        outputDir.resolve(row.getString("folder")),
        status(row),
        row.getString("recipe"),
        Json.object(row.getString("provenance")),
        Json.object(row.getString("summary")),
        new Progress(
            row.getInt("steps"),
            MetricsTable.optional(row, "last_train_loss"),
            MetricsTable.optional(row, "last_validation_loss")),
        notes(row.getString("id")));
  }

  private static RunStatus status(ResultSet row) throws SQLException {
    RunStatus status = RunStatus.of(row.getString("status"));
    boolean ended =
        status == RunStatus.RUNNING
            && RunProcess.parse(row.getString("process")).map(RunProcess::hasEnded).orElse(false);
    return ended ? RunStatus.INTERRUPTED : status;
  }

  private List<Note> notes(String runId) {
    return database.query(
        "SELECT * FROM notes WHERE run_id = ? ORDER BY number",
        row -> new Note(time(row), row.getString("text")),
        runId);
  }

  private static Instant time(ResultSet row) throws SQLException {
    return Instant.ofEpochMilli(row.getLong("time"));
  }
}
