package dev.lorikeet.source;

import dev.lorikeet.error.DataException;
import dev.lorikeet.source.JsonValues.TooLargeException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.TokenStreamLocation;

/**
 * Reads the objects of a JSON array or of JSON lines one by one, whichever the file holds.
 *
 * <p>Only one record is in memory at a time. Windows line ends are skipped. Behind text that is not
 * JSON nobody knows where the next record begins, so reading ends there; {@link JsonLines} knows.
 */
final class JsonRecords implements RecordReader {
  private final Path file;
  private final InputStream bytes;

  /** Made with the first record, because making it reads. */
  private @Nullable JsonParser parser;

  private boolean started;
  private boolean inArray;
  private boolean lost;
  private long index;
  private int recordLine;

  /** Reads {@code bytes}, which stay their owner's to close; {@code file} is for messages. */
  JsonRecords(Path file, InputStream bytes) {
    this.file = file;
    this.bytes = bytes;
  }

  @Override
  public Optional<SourceRecord> next() {
    boolean understood = false;
    lost = true;
    try {
      JsonParser opened = parser;
      if (opened == null) {
        opened = JsonValues.FACTORY.createParser(ObjectReadContext.empty(), bytes);
        parser = opened;
      }
      Optional<SourceRecord> next = understood(opened);
      understood = true;
      return next;
    } catch (TooLargeException e) {
      throw RecordReader.tooLarge(SourceRecord.where(file, "line " + recordLine, index));
    } catch (JacksonException e) {
      throw problem(e);
    } finally {
      lost &= !understood;
    }
  }

  @Override
  public boolean canGoOn() {
    return !lost;
  }

  private Optional<SourceRecord> understood(JsonParser parser) {
    JsonToken token = parser.nextToken();
    if (!started) {
      started = true;
      if (token == JsonToken.START_ARRAY) {
        inArray = true;
        token = parser.nextToken();
      }
    }
    if (inArray && token == JsonToken.END_ARRAY) {
      inArray = false;
      token = parser.nextToken();
      if (token != null) {
        throw new DataException(
            file + ", line " + line(parser) + ": text after the end of the array");
      }
    }
    if (token == null) {
      return Optional.empty();
    }
    if (token != JsonToken.START_OBJECT) {
      String found = JsonValues.kind(token);
      String where = SourceRecord.where(file, "line " + line(parser), index++);
      parser.skipChildren();
      lost = false;
      throw new DataException(where + ": expected an object {…}, found " + found);
    }
    recordLine = line(parser);
    SourceRecord record =
        new SourceRecord(file, index, "line " + recordLine, new JsonValues(parser).object());
    index++;
    recordLine = 0;
    return Optional.of(record);
  }

  private DataException problem(JacksonException e) {
    if (e.getCause() instanceof IOException failure) {
      return DataFile.unreadable(file, failure);
    }
    TokenStreamLocation at = e.getLocation();
    return new DataException(
        file
            + (at == null ? "" : ", line " + at.getLineNr() + ", column " + at.getColumnNr())
            + " (record "
            + (index + 1)
            + (recordLine > 0 ? ", which begins on line " + recordLine : "")
            + "): not valid JSON: "
            + e.getOriginalMessage(),
        e);
  }

  private static int line(JsonParser parser) {
    return parser.currentTokenLocation().getLineNr();
  }

  @Override
  public void close() {
    if (parser != null) {
      parser.close();
    }
  }
}
