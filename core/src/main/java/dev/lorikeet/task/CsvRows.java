package dev.lorikeet.task;

import dev.lorikeet.error.DataException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads comma-separated values as Python's {@code csv.reader} does: a field that begins with a
 * quote may hold commas and line ends, and two quotes in it stand for one.
 */
final class CsvRows {
  /**
   * A row.
   *
   * @param line where it begins, from 1
   */
  record Row(Path file, int line, List<String> fields) {
    /** A problem of this row. */
    DataException problem(String text) {
      return new DataException(file + ", line " + line + ": " + text);
    }
  }

  private final Path file;
  private final String text;
  private final List<Row> rows = new ArrayList<>();
  private List<String> fields = new ArrayList<>();
  private int at;
  private int line = 1;
  private int rowLine = 1;

  private CsvRows(Path file, String text) {
    this.file = file;
    this.text = text;
  }

  /**
   * All rows of {@code file} but empty lines.
   *
   * @throws DataException if a quote is never closed
   */
  static List<Row> of(Path file) {
    CsvRows reader = new CsvRows(file, TaskData.text(file));
    while (reader.at < reader.text.length()) {
      reader.field();
    }
    return reader.rows;
  }

  private void field() {
    StringBuilder field = new StringBuilder();
    if (text.charAt(at) == '"') {
      at++;
      quoted(field);
    }
    while (at < text.length() && text.charAt(at) != ',' && text.charAt(at) != '\n') {
      field.append(text.charAt(at++));
    }
    fields.add(field.toString());
    boolean isRowEnd = at == text.length() || text.charAt(at) == '\n';
    boolean isCommaLast = !isRowEnd && at + 1 == text.length();
    at++;
    if (isCommaLast) {
      fields.add("");
    }
    if (isRowEnd || isCommaLast) {
      endRow();
    } else if (text.charAt(at) == '\n') {
      fields.add("");
      at++;
      endRow();
    }
  }

  private void quoted(StringBuilder field) {
    while (at < text.length()) {
      char c = text.charAt(at++);
      if (c == '"') {
        if (at == text.length() || text.charAt(at) != '"') {
          return;
        }
        at++;
      }
      line += c == '\n' ? 1 : 0;
      field.append(c);
    }
    throw new DataException(
        "%s, line %d: a quoted field of this row is never closed".formatted(file, rowLine));
  }

  private void endRow() {
    if (fields.size() > 1 || !fields.getFirst().isEmpty()) {
      rows.add(new Row(file, rowLine, fields));
    }
    fields = new ArrayList<>();
    line++;
    rowLine = line;
  }
}
