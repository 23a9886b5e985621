package dev.lorikeet.run;

import dev.lorikeet.error.FormatException;
import dev.lorikeet.error.LorikeetException;
import dev.lorikeet.error.RunException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteConfig.JournalMode;
import org.sqlite.SQLiteConfig.SynchronousMode;
import org.sqlite.SQLiteConfig.TransactionMode;
import org.sqlite.SQLiteDataSource;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/**
 * The SQLite file under {@link RunStore}: opening, schema version, and errors in the user's words.
 *
 * <p>WAL lets other processes read while one writes; with synchronous NORMAL a power cut may cost
 * the last rows but never the file.
 */
final class RunDatabase implements AutoCloseable {
  /** Marks the file as Lorikeet's: "LORI" in ASCII. */
  private static final int APPLICATION_ID = 0x4C4F5249;

  private static final int VERSION = 2;
  private static final int BUSY_MILLIS = 5000;

  private static final List<String> SCHEMA =
      List.of(
          """
          CREATE TABLE runs (
            id TEXT PRIMARY KEY, created INTEGER NOT NULL, finished INTEGER,
            technique TEXT NOT NULL, model TEXT NOT NULL, folder TEXT NOT NULL,
            status TEXT NOT NULL, recipe TEXT NOT NULL, provenance TEXT NOT NULL,
            summary TEXT NOT NULL, process TEXT NOT NULL) STRICT\
          """,
          """
          CREATE TABLE metrics (
            run_id TEXT NOT NULL REFERENCES runs, step INTEGER NOT NULL, epoch REAL NOT NULL,
            train_loss REAL, validation_loss REAL, learning_rate REAL NOT NULL, grad_norm REAL,
            tokens_labelled INTEGER NOT NULL, tokens_total INTEGER NOT NULL,
            tokens_per_second REAL NOT NULL, cpu_utilisation REAL NOT NULL, gpu_utilisation REAL,
            current_bytes INTEGER NOT NULL, peak_bytes INTEGER NOT NULL,
            elapsed_nanos INTEGER NOT NULL, validation_accuracy REAL,
            PRIMARY KEY (run_id, step)) STRICT, WITHOUT ROWID\
          """,
          """
          CREATE TABLE events (
            number INTEGER PRIMARY KEY, run_id TEXT NOT NULL REFERENCES runs,
            time INTEGER NOT NULL, level TEXT NOT NULL, text TEXT NOT NULL) STRICT\
          """,
          """
          CREATE TABLE notes (
            number INTEGER PRIMARY KEY, run_id TEXT NOT NULL REFERENCES runs,
            time INTEGER NOT NULL, text TEXT NOT NULL) STRICT\
          """,
          """
          CREATE TABLE artefacts (
            number INTEGER PRIMARY KEY, run_id TEXT NOT NULL REFERENCES runs, kind TEXT NOT NULL,
            path TEXT NOT NULL, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL) STRICT\
          """,
          "CREATE INDEX events_of_run ON events (run_id)",
          "CREATE INDEX notes_of_run ON notes (run_id)",
          "CREATE INDEX artefacts_of_run ON artefacts (run_id)",
          "PRAGMA application_id = " + APPLICATION_ID,
          "PRAGMA user_version = " + VERSION);

  /** What version 1 lacks. */
  private static final List<String> FROM_VERSION_1 =
      List.of(
          "ALTER TABLE metrics ADD COLUMN validation_accuracy REAL",
          "PRAGMA user_version = " + VERSION);

  private final Path file;
  private final Connection connection;

  /** Opens {@code file}, with the tables made where it is new. */
  RunDatabase(Path file) {
    this.file = file;
    try {
      this.connection = connect(file);
    } catch (SQLException e) {
      throw told("Opening the index of runs", e);
    }
    try {
      prepare();
    } catch (SQLException e) {
      closeAfter(e);
      throw told("Opening the index of runs", e);
    } catch (LorikeetException e) {
      closeAfter(e);
      throw e;
    }
  }

  Path file() {
    return file;
  }

  /** Runs a statement that changes rows; the number of rows changed. */
  int change(String doing, String sql, @Nullable Object... values) {
    try (PreparedStatement statement = bound(sql, values)) {
      return statement.executeUpdate();
    } catch (SQLException e) {
      throw told(doing, e);
    }
  }

  /** Like {@link #change}, but false where a row with the same primary key exists. */
  boolean insertIfAbsent(String doing, String sql, @Nullable Object... values) {
    try (PreparedStatement statement = bound(sql, values)) {
      statement.executeUpdate();
      return true;
    } catch (SQLException e) {
      if (code(e) == SQLiteErrorCode.SQLITE_CONSTRAINT_PRIMARYKEY) {
        return false;
      }
      throw told(doing, e);
    }
  }

  /** All rows of a query, each made by {@code row}. */
  <T> List<T> query(String sql, RowReader<T> row, @Nullable Object... values) {
    try (PreparedStatement statement = bound(sql, values);
        ResultSet result = statement.executeQuery()) {
      List<T> rows = new ArrayList<>();
      while (result.next()) {
        rows.add(row.read(result));
      }
      return rows;
    } catch (SQLException e) {
      throw told("Reading the index of runs", e);
    }
  }

  @Override
  public void close() {
    try {
      connection.close();
    } catch (SQLException e) {
      throw told("Closing the index of runs", e);
    }
  }

  /** Makes a value of the row that the cursor stands on. */
  @FunctionalInterface
  interface RowReader<T> {
    T read(ResultSet row) throws SQLException;
  }

  private static Connection connect(Path file) throws SQLException {
    SQLiteConfig config = new SQLiteConfig();
    config.setBusyTimeout(BUSY_MILLIS);
    config.setSynchronous(SynchronousMode.NORMAL);
    config.enforceForeignKeys(true);
    config.setTransactionMode(TransactionMode.IMMEDIATE);
    SQLiteDataSource source = new SQLiteDataSource(config);
    source.setUrl("jdbc:sqlite:" + file);
    return source.getConnection();
  }

  private void prepare() throws SQLException {
    if (isEmpty()) {
      try (Statement statement = connection.createStatement()) {
        statement.execute("PRAGMA journal_mode = " + JournalMode.WAL);
      }
      createTables();
    }
    int version = pragma("user_version");
    if (pragma("application_id") != APPLICATION_ID) {
      throw new FormatException(
          file,
          "this is a database of another program, not an index of runs; move it away or choose"
              + " another output folder");
    }
    if (version > VERSION) {
      throw new FormatException(
          file,
          "schema version "
              + version
              + ", but this Lorikeet knows versions up to "
              + VERSION
              + "; a newer Lorikeet wrote it: update Lorikeet or choose another output folder");
    }
    if (version < VERSION) {
      upgrade();
    }
  }

  /** Several processes may find an empty file at once: the first with the write lock does it. */
  private void createTables() throws SQLException {
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      if (isEmpty()) {
        for (String sql : SCHEMA) {
          statement.execute(sql);
        }
      }
      connection.commit();
    } catch (SQLException e) {
      connection.rollback();
      throw e;
    } finally {
      connection.setAutoCommit(true);
    }
  }

  /** Several processes may find an old file at once: the first with the write lock does it. */
  private void upgrade() throws SQLException {
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      if (pragma("user_version") < VERSION) {
        for (String sql : FROM_VERSION_1) {
          statement.execute(sql);
        }
      }
      connection.commit();
    } catch (SQLException e) {
      connection.rollback();
      throw e;
    } finally {
      connection.setAutoCommit(true);
    }
  }

  private boolean isEmpty() throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery("SELECT count(*) FROM sqlite_schema")) {
      return result.getInt(1) == 0;
    }
  }

  private int pragma(String name) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery("PRAGMA " + name)) {
      return result.getInt(1);
    }
  }

  private PreparedStatement bound(String sql, @Nullable Object... values) throws SQLException {
    PreparedStatement statement = connection.prepareStatement(sql);
    for (int i = 0; i < values.length; i++) {
      statement.setObject(i + 1, values[i]);
    }
    return statement;
  }

  private void closeAfter(Exception failure) {
    try {
      connection.close();
    } catch (SQLException e) {
      failure.addSuppressed(e);
    }
  }

  private LorikeetException told(String doing, SQLException e) {
    return switch (code(e)) {
      case SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_CORRUPT_INDEX, SQLITE_CORRUPT_VTAB ->
          new FormatException(
              file,
              "the index of runs is damaged ("
                  + e.getMessage()
                  + "). The runs' own folders are not touched by this: move the file away"
                  + " (with its -wal and -shm) and a new index begins with the next run",
              e);
      case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_BUSY_SNAPSHOT, SQLITE_BUSY_RECOVERY ->
          new RunException(
              doing
                  + " in "
                  + file
                  + " failed: another process held it for more than "
                  + BUSY_MILLIS / 1000
                  + " s; close the program that has it open, or try again",
              e);
      case SQLITE_FULL ->
          new RunException(
              doing + " in " + file + " failed: the disk is full; free space and try again", e);
      default -> new RunException(doing + " in " + file + " failed: " + e.getMessage(), e);
    };
  }

  private static SQLiteErrorCode code(SQLException e) {
    return e instanceof SQLiteException sqlite
        ? sqlite.getResultCode()
        : SQLiteErrorCode.getErrorCode(e.getErrorCode());
  }
}
