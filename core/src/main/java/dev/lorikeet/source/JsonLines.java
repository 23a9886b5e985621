package dev.lorikeet.source;

import dev.lorikeet.error.DataException;
import dev.lorikeet.source.JsonValues.TooLargeException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.TokenStreamLocation;

/**
 * Reads JSON lines so that a broken line is left behind: each line is a record of its own, whatever
 * the others hold. Lines that hold nothing are skipped.
 */
final class JsonLines implements RecordReader {
  private static final int BLOCK = 1 << 16;

  private final Path file;
  private final InputStream bytes;
  private final byte[] block = new byte[BLOCK];
  private int blockAt;
  private int blockEnd;
  private byte[] line = new byte[1024];
  private int length;
  private long lineNumber;
  private long lineStart;
  private long nextStart;
  private long index;
  private boolean canGoOn = true;

  /**
   * Reads {@code bytes}, which stay their owner's to close.
   *
   * @param file for messages
   * @param bytes not looked at before; a byte order mark may be there
   */
  JsonLines(Path file, InputStream bytes) {
    this.file = file;
    this.bytes = bytes;
  }

  @Override
  public Optional<SourceRecord> next() {
    try {
      while (readLine()) {
        if (!isBlank()) {
          return Optional.of(record());
        }
      }
      return Optional.empty();
    } catch (IOException e) {
      canGoOn = false;
      throw DataFile.unreadable(file, e);
    }
  }

  @Override
  public boolean canGoOn() {
    return canGoOn;
  }

  private SourceRecord record() {
    String place = "line " + lineNumber;
    long number = index++;
    if (length > LARGEST_RECORD) {
      throw RecordReader.tooLarge(SourceRecord.where(file, place, number));
    }
    requireUtf8();
    try (JsonParser parser =
        JsonValues.FACTORY.createParser(ObjectReadContext.empty(), line, 0, length)) {
      JsonToken first = parser.nextToken();
      if (first != JsonToken.START_OBJECT) {
        throw new DataException(
            SourceRecord.where(file, place, number)
                + ": expected an object {…}, found "
                + JsonValues.kind(first));
      }
      var values = new JsonValues(parser).object();
      JsonToken behind = parser.nextToken();
      if (behind != null) {
        throw new DataException(
            SourceRecord.where(file, place, number)
                + ": text after the end of the object; write one record a line");
      }
      return new SourceRecord(file, number, place, values);
    } catch (TooLargeException e) {
      throw RecordReader.tooLarge(SourceRecord.where(file, place, number));
    } catch (JacksonException e) {
      TokenStreamLocation at = e.getLocation();
      throw new DataException(
          "%s, line %d, column %d (record %d): not valid JSON: %s"
              .formatted(
                  file,
                  lineNumber,
                  at == null ? 1 : at.getColumnNr(),
                  number + 1,
                  e.getOriginalMessage()),
          e);
    }
  }

  private void requireUtf8() {
    long bad = Utf8.firstWrong(line, length);
    if (bad >= 0) {
      throw new DataException(
          "data file " + file + ", " + new NotUtf8Exception(lineNumber, lineStart + bad).words());
    }
  }

  private boolean isBlank() {
    for (int i = 0; i < length; i++) {
      if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r') {
        return false;
      }
    }
    return true;
  }

  /** Reads up to the next line feed; of a line that is too long, only its length grows. */
  private boolean readLine() throws IOException {
    length = 0;
    lineStart = nextStart;
    boolean any = false;
    while (true) {
      if (blockAt == blockEnd && !refill()) {
        lineNumber += any ? 1 : 0;
        return any;
      }
      any = true;
      int end = blockAt;
      while (end < blockEnd && block[end] != '\n') {
        end++;
      }
      append(blockAt, end - blockAt);
      nextStart += end - blockAt;
      blockAt = end;
      if (end < blockEnd) {
        blockAt++;
        nextStart++;
        lineNumber++;
        return true;
      }
    }
  }

  private void append(int from, int count) {
    if (length > LARGEST_RECORD) {
      return;
    }
    if (length + count > line.length) {
      line = Arrays.copyOf(line, Math.max(length + count, 2 * line.length));
    }
    System.arraycopy(block, from, line, length, count);
    length += count;
  }

  private boolean refill() throws IOException {
    boolean first = nextStart == 0;
    blockEnd = Math.max(0, bytes.read(block, 0, BLOCK));
    blockAt = 0;
    if (first && blockEnd >= 3 && Utf8.isMark(block)) {
      blockAt = 3;
      nextStart = 3;
      lineStart = 3;
    }
    return blockEnd > 0;
  }

  /** Nothing: the bytes are their owner's. */
  @Override
  public void close() {}
}
