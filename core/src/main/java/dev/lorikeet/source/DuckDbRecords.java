package dev.lorikeet.source;

import dev.lorikeet.error.DataException;
import dev.lorikeet.source.JsonValues.TooLargeException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;

/**
 * Reads a Parquet file, or what a SQL query makes of a file, through DuckDB in this process.
 *
 * <p>DuckDB writes each row as JSON, so that lists and structures arrive as they are. Rows stream.
 * One thread, so that the same file gives the same order. The query sees the file as the table
 * {@code data} and nothing else: it has to be a SELECT, other files, the network and extensions are
 * locked, nothing is written to a disk.
 */
public final class DuckDbRecords implements RecordReader {
  private static final String MEMORY = "1GB";

  private final Path file;
  private final Connection connection;
  private final PreparedStatement statement;
  private final ResultSet rows;
  private long index;
  private boolean lost;

  private DuckDbRecords(Path file, Optional<String> query) {
    this.file = file;
    List<AutoCloseable> opened = new ArrayList<>();
    try {
      Properties properties = new Properties();
      properties.setProperty("jdbc_stream_results", "true");
      connection = DriverManager.getConnection("jdbc:duckdb:", properties);
      opened.add(connection);
      confine();
      String select = query.isPresent() ? onlySelect(query.get()) : "SELECT * FROM data";
      statement =
          connection.prepareStatement(
              "SELECT to_json(row_of_data)::VARCHAR FROM (" + select + "\n) row_of_data");
      opened.add(statement);
      rows = statement.executeQuery();
    } catch (SQLException e) {
      opened.reversed().forEach(DuckDbRecords::closeQuietly);
      throw problem(query.isPresent() ? "the query of " : "", e);
    } catch (RuntimeException e) {
      opened.reversed().forEach(DuckDbRecords::closeQuietly);
      throw e;
    }
  }

  /**
   * Reads {@code file}, a Parquet file.
   *
   * @throws DataException if it is none, or cut off
   */
  public static DuckDbRecords parquet(Path file) {
    return new DuckDbRecords(file, Optional.empty());
  }

  /**
   * Reads what {@code query} makes of {@code file}: JSON, CSV or Parquet, compressed or not.
   *
   * @throws DataException if the query is no SELECT, or wants anything but the table {@code data}
   */
  public static DuckDbRecords query(Path file, String query) {
    return new DuckDbRecords(file, Optional.of(query));
  }

  private void confine() throws SQLException {
    if (!Files.exists(file)) {
      throw DataFile.missing(file, new java.nio.file.NoSuchFileException(file.toString()));
    }
    String name = text(file.toAbsolutePath().normalize().toString());
    try (Statement settings = connection.createStatement()) {
      for (String setting :
          List.of(
              "SET memory_limit = '" + MEMORY + "'",
              "SET threads = 1",
              "SET temp_directory = ''",
              "SET autoinstall_known_extensions = false",
              "SET autoload_known_extensions = false",
              "SET allow_community_extensions = false",
              "SET allowed_paths = [" + name + "]",
              "SET enable_external_access = false")) {
        settings.execute(setting);
      }
      String all = "SELECT * FROM " + table(name);
      // A statement that streams keeps its reason for itself when it fails; preparing tells it.
      connection.prepareStatement(all).close();
      settings.execute("CREATE VIEW data AS " + all);
      settings.execute("SET lock_configuration = true");
    }
  }

  private String table(String name) {
    FileKind kind;
    try (DataFile opened = DataFile.open(file)) {
      kind = opened.kind();
    }
    return switch (kind) {
      case PARQUET -> "read_parquet(" + name + ")";
      case CSV -> "read_csv(" + name + ", header = true)";
      case JSON -> "read_json(" + name + ", maximum_object_size = " + LARGEST_RECORD + ")";
      case TEXT ->
          throw new DataException(
              "data file "
                  + file
                  + " is plain text, which has no columns to query; a query needs JSON, CSV or Parquet");
    };
  }

  /** The query, if it is one SELECT; DuckDB's own parser tells. */
  private String onlySelect(String query) throws SQLException {
    try (PreparedStatement parse =
        connection.prepareStatement("SELECT json_serialize_sql(?::VARCHAR)::VARCHAR")) {
      parse.setString(1, query);
      try (ResultSet parsed = parse.executeQuery()) {
        parsed.next();
        if (JsonValues.parse(parsed.getString(1)) instanceof Map<?, ?> tree) {
          if (Boolean.TRUE.equals(tree.get("error"))) {
            throw new DataException(
                "the query of %s is not a SELECT that can be read: %s"
                    .formatted(file, tree.get("error_message")));
          }
          if (tree.get("statements") instanceof List<?> statements && statements.size() == 1) {
            return query.strip().replaceFirst("(;\\s*)+$", "");
          }
        }
        throw new DataException(
            "the query of " + file + " must be one SELECT; found none or several");
      }
    }
  }

  @Override
  public Optional<SourceRecord> next() {
    try {
      if (!rows.next()) {
        return Optional.empty();
      }
      String place = "row " + (index + 1);
      String json = rows.getString(1);
      long number = index++;
      if (json.length() > LARGEST_RECORD) {
        throw RecordReader.tooLarge(SourceRecord.where(file, place, number));
      }
      return Optional.of(new SourceRecord(file, number, place, values(json)));
    } catch (SQLException e) {
      lost = true;
      throw problem("row " + (index + 1) + " of ", e);
    } catch (TooLargeException e) {
      throw RecordReader.tooLarge(SourceRecord.where(file, "row " + index, index - 1));
    }
  }

  @SuppressWarnings("unchecked") // A row is an object, whose keys are texts.
  private Map<String, @Nullable Object> values(String json) {
    try {
      return (Map<String, @Nullable Object>)
          java.util.Objects.requireNonNull(JsonValues.parse(json));
    } catch (JacksonException e) {
      throw new DataException(
          "%s, row %d: a value cannot be written as JSON: %s"
              .formatted(file, index, e.getOriginalMessage()),
          e);
    }
  }

  @Override
  public boolean canGoOn() {
    return !lost;
  }

  private DataException problem(String what, SQLException e) {
    String said = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
    boolean cut = said.contains("No magic bytes") || said.contains("too small to be a Parquet");
    return new DataException(
        cut
            ? "data file "
                + file
                + " is no whole Parquet file: its end is missing; copy or download it again"
            : what + "data file " + file + " cannot be read: " + said,
        e);
  }

  private static String text(String value) {
    return "'" + value.replace("'", "''") + "'";
  }

  private static void closeQuietly(AutoCloseable resource) {
    try {
      resource.close();
    } catch (Exception ignored) {
      // Another failure is on its way already.
    }
  }

  @Override
  public void close() {
    try (connection;
        statement;
        rows) {
      lost = true;
    } catch (SQLException e) {
      throw new DataException("data file " + file + " cannot be closed: " + e.getMessage(), e);
    }
  }
}
