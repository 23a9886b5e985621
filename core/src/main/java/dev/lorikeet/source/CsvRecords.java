package dev.lorikeet.source;

import de.siegmar.fastcsv.reader.CloseableIterator;
import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.CsvRecord;
import de.siegmar.fastcsv.reader.CsvRecordHandler;
import de.siegmar.fastcsv.reader.FieldMismatchStrategy;
import dev.lorikeet.error.DataException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Reads a table of texts: the first line has the names, each further record one text a name. Cells
 * in double quotes may hold separators, line breaks and doubled quotes (RFC 4180). Cells are
 * separated by tabs where the file's name says so; otherwise by the one of comma, semicolon, tab
 * and bar that stands most often in the first line, outside quotes.
 */
final class CsvRecords implements RecordReader {
  private static final int LOOKED_AT = 1 << 16;
  private static final char[] SEPARATORS = {',', ';', '\t', '|'};
  private static final int MOST_COLUMNS = 10_000;

  /** What the library's messages hold. */
  private static final Pattern LINE = Pattern.compile("line (\\d+)");

  private static final Pattern TOO_LARGE = Pattern.compile("(?i)maxim|exceed|insufficient");

  private final Path file;
  private final char separator;
  private final CloseableIterator<CsvRecord> lines;
  private final List<String> names;
  private long index;
  private boolean lost;

  /**
   * Reads the names.
   *
   * @param file for messages
   * @param content at its beginning; needs a mark; stays its owner's to close
   * @param text opens the same content as checked text
   */
  CsvRecords(Path file, InputStream content, Supplier<InputStream> text) {
    this.file = file;
    try {
      this.separator = FileKind.isTabbed(file) ? '\t' : separator(content);
    } catch (IOException e) {
      throw DataFile.unreadable(file, e);
    }
    this.lines =
        CsvReader.builder()
            .fieldSeparator(separator)
            .extraFieldStrategy(FieldMismatchStrategy.IGNORE)
            .missingFieldStrategy(FieldMismatchStrategy.IGNORE)
            .allowUnclosedQuote(false)
            .maxBufferSize(LARGEST_RECORD)
            .build(
                CsvRecordHandler.builder()
                    .maxFields(MOST_COLUMNS)
                    .maxFieldSize(LARGEST_RECORD)
                    .maxRecordSize(LARGEST_RECORD)
                    .build(),
                new InputStreamReader(text.get(), StandardCharsets.UTF_8))
            .iterator();
    Optional<CsvRecord> first = line();
    this.names =
        first
            .map(record -> record.getFields().stream().map(String::strip).toList())
            .orElse(List.of());
    first.ifPresent(_ -> requireNames());
  }

  private void requireNames() {
    if (names.contains("") || new HashSet<>(names).size() < names.size()) {
      throw new DataException(
          "%s, line 1: a table begins with the names of its columns, each once; found %s"
              .formatted(file, names));
    }
  }

  @Override
  public Optional<SourceRecord> next() {
    return line().map(this::record);
  }

  @Override
  public boolean canGoOn() {
    return !lost;
  }

  private Optional<CsvRecord> line() {
    try {
      return lines.hasNext() ? Optional.of(lines.next()) : Optional.empty();
    } catch (CsvParseException e) {
      lost = true;
      throw problem(e);
    } catch (UncheckedIOException e) {
      lost = true;
      throw DataFile.unreadable(file, java.util.Objects.requireNonNull(e.getCause()));
    }
  }

  private SourceRecord record(CsvRecord line) {
    String place = "line " + line.getStartingLineNumber();
    long number = index++;
    if (line.getFieldCount() != names.size()) {
      throw new DataException(
          "%s: it has %d cells, but there are %d columns (%s, separated by %s); a text that holds %s or a line break needs double quotes"
              .formatted(
                  SourceRecord.where(file, place, number),
                  line.getFieldCount(),
                  names.size(),
                  String.join(", ", names),
                  words(),
                  words()));
    }
    Map<String, @Nullable Object> values = new LinkedHashMap<>();
    for (int i = 0; i < names.size(); i++) {
      values.put(names.get(i), line.getField(i));
    }
    return new SourceRecord(file, number, place, values);
  }

  private DataException problem(CsvParseException e) {
    Throwable cause = e.getCause();
    if (cause instanceof IOException failure) {
      return DataFile.unreadable(file, failure);
    }
    String said = e.getMessage() + " " + (cause == null ? "" : cause.getMessage());
    Matcher line = LINE.matcher(said);
    String where =
        SourceRecord.where(file, line.find() ? "line " + line.group(1) : "in the table", index);
    return TOO_LARGE.matcher(said).find()
        ? RecordReader.tooLarge(where + ", or its quote is never closed")
        : new DataException(where + ": not a valid table: " + said.strip(), e);
  }

  private String words() {
    return switch (separator) {
      case '\t' -> "a tab";
      case ';' -> "a semicolon";
      case '|' -> "a bar";
      default -> "a comma";
    };
  }

  private static char separator(InputStream content) throws IOException {
    content.mark(LOOKED_AT);
    String start =
        new String(content.readNBytes(LOOKED_AT - 1), StandardCharsets.ISO_8859_1).stripLeading();
    content.reset();
    int[] counts = new int[SEPARATORS.length];
    boolean quoted = false;
    for (int i = 0; i < start.length(); i++) {
      char c = start.charAt(i);
      quoted ^= c == '"';
      if (!quoted && (c == '\n' || c == '\r')) {
        break;
      }
      for (int s = 0; s < SEPARATORS.length; s++) {
        counts[s] += !quoted && c == SEPARATORS[s] ? 1 : 0;
      }
    }
    int most = 0;
    for (int s = 1; s < counts.length; s++) {
      most = counts[s] > counts[most] ? s : most;
    }
    return SEPARATORS[most];
  }

  @Override
  public void close() {
    try {
      lines.close();
    } catch (IOException e) {
      throw new DataException("data file " + file + " cannot be closed: " + e, e);
    }
  }
}
