package dev.lorikeet.source;

import dev.lorikeet.error.DataException;
import dev.lorikeet.error.Spelling;
import java.math.BigInteger;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A record as its file holds it.
 *
 * @param file for messages
 * @param index position in the file, from 0
 * @param place where it stands in the file, such as {@code line 3}
 * @param values by key, in the order of the file: null, Boolean, Number, String, List or Map
 */
public record SourceRecord(
    Path file, long index, String place, Map<String, @Nullable Object> values) {

  /** Whether there is a value under {@code key} that is not null. */
  public boolean has(String key) {
    return values.get(key) != null;
  }

  /**
   * The text under {@code key}.
   *
   * @throws DataException if it is missing or not a text
   */
  public String text(String key) {
    if (values.get(key) instanceof String text) {
      return text;
    }
    if (values.containsKey(key)) {
      throw problem("key \"" + key + "\" must be a text, found " + kind(values.get(key)));
    }
    throw missing(key);
  }

  /** The text under {@code key}, or an empty one if the key is missing or null. */
  public String textOrEmpty(String key) {
    return has(key) ? text(key) : "";
  }

  /**
   * The list under {@code key}.
   *
   * @throws DataException if it is missing or no list
   */
  public List<?> list(String key) {
    if (values.get(key) instanceof List<?> list) {
      return list;
    }
    if (values.containsKey(key)) {
      throw problem("key \"" + key + "\" must be a list, found " + kind(values.get(key)));
    }
    throw missing(key);
  }

  /**
   * The same record with other names for its keys.
   *
   * @param columns new name to the name in the file; names that the record lacks are left out
   */
  public SourceRecord renamed(Map<String, String> columns) {
    if (columns.isEmpty()) {
      return this;
    }
    Map<String, @Nullable Object> renamed = new LinkedHashMap<>(values);
    columns.values().forEach(renamed::remove);
    columns.forEach((name, column) -> {
      if (values.containsKey(column)) {
        renamed.put(name, values.get(column));
      }
    });
    return new SourceRecord(file, index, place, renamed);
  }

  /** The same record with {@code value} under {@code key}. */
  public SourceRecord with(String key, Object value) {
    Map<String, @Nullable Object> changed = new LinkedHashMap<>(values);
    changed.put(key, value);
    return new SourceRecord(file, index, place, changed);
  }

  /** A key that has to be there: says which there are, and which is nearest. */
  public DataException missing(String key) {
    Optional<String> near = Spelling.nearest(key, values.keySet());
    return problem(
        "key \""
            + key
            + "\" is missing; the record has "
            + (values.isEmpty() ? "none" : String.join(", ", values.keySet()))
            + near.map(name ->
                    "; is it \"%s\"? Then set data.columns: {%s: %s}".formatted(name, key, name))
                .orElse(""));
  }

  /** Something wrong with this record. */
  public DataException problem(String text) {
    return new DataException(where() + ": " + text);
  }

  /** The same with what caused it. */
  public DataException problem(String text, Throwable cause) {
    return new DataException(where() + ": " + text, cause);
  }

  /** File and place, for messages. */
  public String where() {
    return where(file, place, index);
  }

  static String where(Path file, String place, long index) {
    return file + ", " + place + " (record " + (index + 1) + ")";
  }

  /** The kind of a value in words. */
  public static String kind(@Nullable Object value) {
    return switch (value) {
      case null -> "null";
      case Boolean _ -> "true or false";
      case BigInteger _ -> "a number";
      case Number _ -> "a number";
      case String _ -> "a text";
      case List<?> _ -> "a list";
      case Map<?, ?> _ -> "an object";
      default -> throw new IllegalStateException("no value of a record: " + value.getClass());
    };
  }
}
