package dev.lorikeet.task;

import dev.lorikeet.error.DataException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/** One object of a data file; complains about file, line and key. Equal where its values are. */
final class TaskRecord {
  private final Path file;
  private final int line;
  private final JsonNode node;

  TaskRecord(Path file, int line, JsonNode node) {
    this.file = file;
    this.line = line;
    this.node = node;
  }

  boolean has(String key) {
    return node.hasNonNull(key);
  }

  /** Whether {@code key} holds an object. */
  boolean hasObject(String key) {
    return has(key) && node.get(key).isObject();
  }

  /**
   * The text under {@code key}.
   *
   * @throws DataException if it is missing or not a text
   */
  String text(String key) {
    JsonNode value = required(key);
    if (!value.isString()) {
      throw problem("\"" + key + "\" must be a text, found " + value);
    }
    return value.asString();
  }

  /**
   * The whole number under {@code key}, which may be written as a text.
   *
   * @param bound the number must be 0 to bound − 1
   */
  int index(String key, int bound) {
    JsonNode value = required(key);
    String written = value.isString() ? value.asString() : value.toString();
    if (!written.matches("[0-9]{1,9}") || Integer.parseInt(written) >= bound) {
      throw problem("\"%s\" must be 0 to %d, found %s".formatted(key, bound - 1, value));
    }
    return Integer.parseInt(written);
  }

  /** The texts under {@code key}, at least one. */
  List<String> texts(String key) {
    List<String> texts = new ArrayList<>();
    for (JsonNode value : list(key)) {
      if (!value.isString()) {
        throw problem("\"" + key + "\" must be a list of texts, found " + value + " in it");
      }
      texts.add(value.asString());
    }
    return texts;
  }

  /** The whole numbers under {@code key}. */
  List<Integer> numbers(String key) {
    List<Integer> numbers = new ArrayList<>();
    for (JsonNode value : list(key)) {
      numbers.add(number(key, value));
    }
    return numbers;
  }

  /** The objects under {@code key}, at least one. */
  List<TaskRecord> children(String key) {
    List<TaskRecord> children = new ArrayList<>();
    for (JsonNode value : list(key)) {
      children.add(new TaskRecord(file, line, value));
    }
    return children;
  }

  /** The object under {@code key}. */
  TaskRecord child(String key) {
    JsonNode value = required(key);
    if (!value.isObject()) {
      throw problem("\"" + key + "\" must be an object, found " + value);
    }
    return new TaskRecord(file, line, value);
  }

  /** The record's values where all of them are whole numbers, in the order of the file. */
  Map<String, Integer> numbersByKey() {
    Map<String, Integer> numbers = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> value : node.properties()) {
      numbers.put(value.getKey(), number(value.getKey(), value.getValue()));
    }
    return numbers;
  }

  /** A problem of this record. */
  DataException problem(String text) {
    return new DataException(file + ", line " + line + ": " + text);
  }

  private int number(String key, JsonNode value) {
    if (!value.isInt()) {
      throw problem("\"" + key + "\" must hold whole numbers, found " + value);
    }
    return value.intValue();
  }

  private JsonNode list(String key) {
    JsonNode value = required(key);
    if (!value.isArray() || value.isEmpty()) {
      throw problem("\"" + key + "\" must be a list that is not empty, found " + value);
    }
    return value;
  }

  private JsonNode required(String key) {
    JsonNode value = node.get(key);
    if (value == null || value.isNull()) {
      throw problem(
          "\"%s\" is missing; the record has %s"
              .formatted(key, String.join(", ", node.propertyNames())));
    }
    return value;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof TaskRecord record && node.equals(record.node);
  }

  @Override
  public int hashCode() {
    return node.hashCode();
  }
}
