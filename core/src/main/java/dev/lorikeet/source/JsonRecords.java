package dev.lorikeet.data;

import dev.lorikeet.error.DataException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.json.JsonFactory;

/**
 * Reads the objects of a JSON array or of JSON lines one by one, whichever the file holds.
 *
 * <p>Only one record is in memory at a time. A UTF-8 byte order mark and Windows line ends are
 * skipped. Of a record's values the texts are kept; others are known by their kind.
 */
final class JsonRecords implements AutoCloseable {
  private final Path file;
  private final JsonParser parser;
  private boolean started;
  private boolean inArray;
  private long index;
  private int recordLine;

  /** Reads {@code bytes}, which stay their owner's to close; {@code file} is for messages. */
  JsonRecords(Path file, InputStream bytes) {
    this.file = file;
    this.parser =
        JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .disable(StreamReadFeature.AUTO_CLOSE_SOURCE)
            .build()
            .createParser(ObjectReadContext.empty(), bytes);
  }

  /**
   * A record's top-level values.
   *
   * @param index position in the file, from 0
   * @param line line where the record begins, from 1
   * @param texts values that are texts
   * @param otherKinds what the other values are, in words
   */
  record JsonRecord(
      Path file, long index, int line, Map<String, String> texts, Map<String, String> otherKinds) {

    /**
     * The text under {@code key}.
     *
     * @throws DataException if it is missing or not a text
     */
    String text(String key) {
      String text = texts.get(key);
      if (text != null) {
        return text;
      }
      String kind = otherKinds.get(key);
      if (kind != null) {
        throw problem("key \"" + key + "\" must be a text, found " + kind);
      }
      throw problem(
          "key \"" + key + "\" is missing; the record has " + (keys().isEmpty() ? "none" : keys()));
    }

    /** The text under {@code key}, or an empty one if the key is missing or null. */
    String textOrEmpty(String key) {
      boolean absent = !texts.containsKey(key) && !otherKinds.containsKey(key);
      return absent || "null".equals(otherKinds.get(key)) ? "" : text(key);
    }

    private String keys() {
      Map<String, String> all = new LinkedHashMap<>(texts);
      all.putAll(otherKinds);
      return String.join(", ", all.keySet());
    }

    private DataException problem(String text) {
      return new DataException(file + ", line " + line + " (record " + (index + 1) + "): " + text);
    }
  }

  /**
   * The next record; empty at the end.
   *
   * @throws DataException for text that is not JSON, or a value that is not an object
   */
  Optional<JsonRecord> next() {
    try {
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
          throw new DataException(file + ", line " + line() + ": text after the end of the array");
        }
      }
      if (token == null) {
        return Optional.empty();
      }
      if (token != JsonToken.START_OBJECT) {
        throw new DataException(
            "%s, line %d (record %d): expected an object {…}, found %s"
                .formatted(file, line(), index + 1, kind(token)));
      }
      return Optional.of(record());
    } catch (JacksonException e) {
      TokenStreamLocation at = e.getLocation();
      throw new DataException(
          file
              + (at == null ? "" : ", line " + at.getLineNr() + ", column " + at.getColumnNr())
              + " (record "
              + (index + 1)
              + (recordLine > 0 ? ", which begins on line " + recordLine : "")
              + "): not valid JSON: "
              + e.getOriginalMessage(),
          e);
    }
  }

  private JsonRecord record() {
    recordLine = line();
    Map<String, String> texts = new LinkedHashMap<>();
    Map<String, String> otherKinds = new LinkedHashMap<>();
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String key = parser.currentName();
      JsonToken value = parser.nextToken();
      if (value == JsonToken.VALUE_STRING) {
        texts.put(key, parser.getString());
      } else {
        otherKinds.put(key, kind(value));
        parser.skipChildren();
      }
    }
    JsonRecord record = new JsonRecord(file, index++, recordLine, texts, otherKinds);
    recordLine = 0;
    return record;
  }

  private int line() {
    return parser.currentTokenLocation().getLineNr();
  }

  private static String kind(JsonToken token) {
    return switch (token) {
      case VALUE_NULL -> "null";
      case VALUE_TRUE, VALUE_FALSE -> "true or false";
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> "a number";
      case VALUE_STRING -> "a text";
      case START_ARRAY -> "a list";
      case START_OBJECT -> "an object";
      default -> token.toString();
    };
  }

  @Override
  public void close() {
    parser.close();
  }
}
