package dev.lorikeet.format;

import dev.lorikeet.error.FormatException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Typed view of a JSON object such as {@code config.json}; a key whose value is null counts as
 * absent.
 *
 * <p>Every method throws {@link FormatException} when the value is of another type, naming file,
 * key, expected type and found value.
 */
public final class JsonConfig {
  private final Path file;
  private final String prefix;
  private final ObjectNode node;
  private final Set<String> asked;

  private JsonConfig(Path file, String prefix, ObjectNode node, Set<String> asked) {
    this.file = file;
    this.prefix = prefix;
    this.node = node;
    this.asked = asked;
  }

  /**
   * Reads {@code file}.
   *
   * @throws FormatException if the file is missing, not JSON, repeats a key, or is not an object
   */
  public static JsonConfig read(Path file) {
    return new JsonConfig(file, "", JsonFile.readObject(file), new HashSet<>());
  }

  /**
   * Reads {@code json}, which stands in {@code file} at {@code place}.
   *
   * @throws FormatException if it is not JSON or no object
   */
  static JsonConfig parse(Path file, String place, byte[] json) {
    try {
      JsonNode root = JsonFile.MAPPER.readTree(json);
      if (root instanceof ObjectNode object) {
        return new JsonConfig(file, place + ".", object, new HashSet<>());
      }
      throw new FormatException(
          file, place, "expected a JSON object, found " + JsonFile.describe(root) + ".");
    } catch (JacksonException failure) {
      throw new FormatException(
          file, place, "is not valid JSON: " + JsonFile.problem(failure) + ".");
    }
  }

  /** The file that the values come from. */
  public Path file() {
    return file;
  }

  /** The keys of this object, null values included, in the order of the file. */
  public Set<String> keys() {
    return Collections.unmodifiableSet(new LinkedHashSet<>(node.propertyNames()));
  }

  /** Whether {@code key} is present and not null. */
  public boolean has(String key) {
    asked.add(prefix + key);
    return node.hasNonNull(key);
  }

  /** The integer at {@code key}, which has to be there. */
  public int requiredInt(String key) {
    return findInt(key).orElseThrow(() -> missing(key, "an integer"));
  }

  /** The integer at {@code key}, or {@code fallback}. */
  public int optInt(String key, int fallback) {
    return findInt(key).orElse(fallback);
  }

  /** The integer at {@code key}, if there is one; 2.0 is not an integer. */
  public OptionalInt findInt(String key) {
    Optional<Integer> value = find(key, "an integer", JsonConfig::isInt, JsonNode::intValue);
    return value.isPresent() ? OptionalInt.of(value.get()) : OptionalInt.empty();
  }

  /** The number at {@code key}, which has to be there. */
  public double requiredDouble(String key) {
    return findDouble(key).orElseThrow(() -> missing(key, "a number"));
  }

  /** The number at {@code key}, or {@code fallback}. */
  public double optDouble(String key, double fallback) {
    return findDouble(key).orElse(fallback);
  }

  /** The number at {@code key}, written as an integer or not, if there is one. */
  public OptionalDouble findDouble(String key) {
    Optional<Double> value = find(key, "a number", JsonNode::isNumber, JsonNode::doubleValue);
    return value.isPresent() ? OptionalDouble.of(value.get()) : OptionalDouble.empty();
  }

  /** The truth value at {@code key}, or {@code fallback}. */
  public boolean optBoolean(String key, boolean fallback) {
    return findBoolean(key).orElse(fallback);
  }

  /** The truth value at {@code key}, if there is one. */
  public Optional<Boolean> findBoolean(String key) {
    return find(key, "true or false", JsonNode::isBoolean, JsonNode::booleanValue);
  }

  /** The string at {@code key}, which has to be there. */
  public String requiredString(String key) {
    return findString(key).orElseThrow(() -> missing(key, "a string"));
  }

  /** The string at {@code key}, if there is one. */
  public Optional<String> findString(String key) {
    return find(key, "a string", JsonNode::isString, JsonNode::stringValue);
  }

  /** The object at {@code key}, if there is one; messages about its keys say {@code key.inner}. */
  public Optional<JsonConfig> object(String key) {
    return find(key, "an object", JsonNode::isObject, value -> (ObjectNode) value)
        .map(inner -> new JsonConfig(file, prefix + key + ".", inner, asked));
  }

  /** The integers at {@code key}: a list of them or a single one; empty when absent. */
  public List<Integer> intList(String key) {
    return list(key, "an integer or a list of integers", JsonConfig::isInt, JsonNode::intValue);
  }

  /** The strings at {@code key}: a list of them or a single one; empty when absent. */
  public List<String> stringList(String key) {
    return list(key, "a string or a list of strings", JsonNode::isString, JsonNode::stringValue);
  }

  /** The numbers at {@code key}: a list of them or a single one; empty when absent. */
  public List<Double> doubleList(String key) {
    return list(key, "a number or a list of numbers", JsonNode::isNumber, JsonNode::doubleValue);
  }

  /**
   * Keys that nobody has asked for although they say something: their value is not null, false, an
   * empty text, list or object. Keys of inner objects that were opened are named {@code
   * outer.inner}; who asked through another view of the same file does not count.
   */
  public List<String> unasked() {
    List<String> unasked = new ArrayList<>();
    addUnasked(prefix, node, unasked);
    return List.copyOf(unasked);
  }

  private void addUnasked(String at, ObjectNode inner, List<String> unasked) {
    for (Map.Entry<String, JsonNode> entry : inner.properties()) {
      String name = at + entry.getKey();
      if (!asked.contains(name)) {
        if (says(entry.getValue())) {
          unasked.add(name);
        }
      } else if (entry.getValue() instanceof ObjectNode object && opened(name)) {
        addUnasked(name + ".", object, unasked);
      }
    }
  }

  private boolean opened(String name) {
    return asked.stream().anyMatch(key -> key.startsWith(name + "."));
  }

  /** Whether the value at {@code key} is a list. */
  public boolean isList(String key) {
    asked.add(prefix + key);
    return node.path(key).isArray();
  }

  /** Whether the value at {@code key} is true or false. */
  public boolean isBoolean(String key) {
    asked.add(prefix + key);
    return node.path(key).isBoolean();
  }

  /** Whether {@code key} asks for something: not absent, null, false, "", [] or {}. */
  boolean isSet(String key) {
    return has(key) && says(node.path(key));
  }

  private static boolean says(JsonNode value) {
    boolean isEmpty =
        value.isContainer() ? value.isEmpty() : value.isString() && value.stringValue().isEmpty();
    return !value.isNull() && !isEmpty && !(value.isBoolean() && !value.booleanValue());
  }

  /** The JSON text of the value at {@code key}, shortened for messages; "nothing" when absent. */
  public String describe(String key) {
    return JsonFile.describe(node.path(key));
  }

  /** A failure at {@code key} of this object, to be thrown by the caller. */
  public FormatException wrong(String key, String expected) {
    return new FormatException(
        file, prefix + key, "expected " + expected + ", found " + describe(key) + ".");
  }

  /**
   * A failure at a key that nothing knows.
   *
   * @param key as {@link #unasked} has it: inner keys behind their object's and a dot
   */
  public FormatException unknown(String key, String reason) {
    JsonNode value = node.at("/" + key.replace('.', '/'));
    return new FormatException(
        file,
        prefix + key,
        "unknown key with the value " + JsonFile.describe(value) + ": " + reason);
  }

  private FormatException missing(String key, String expected) {
    return new FormatException(
        file, prefix + key, "the key is missing; expected " + expected + ".");
  }

  private <T> Optional<T> find(
      String key, String expected, Predicate<JsonNode> fits, Function<JsonNode, T> convert) {
    if (!has(key)) {
      return Optional.empty();
    }
    JsonNode value = node.path(key);
    if (!fits.test(value)) {
      throw wrong(key, expected);
    }
    return Optional.of(convert.apply(value));
  }

  private <T> List<T> list(
      String key, String expected, Predicate<JsonNode> fits, Function<JsonNode, T> convert) {
    if (!has(key)) {
      return List.of();
    }
    JsonNode value = node.path(key);
    List<T> items = new ArrayList<>();
    for (JsonNode item : value.isArray() ? value : List.of(value)) {
      if (!fits.test(item)) {
        throw wrong(key, expected);
      }
      items.add(convert.apply(item));
    }
    return List.copyOf(items);
  }

  private static boolean isInt(JsonNode value) {
    return value.isIntegralNumber() && value.canConvertToInt();
  }
}
