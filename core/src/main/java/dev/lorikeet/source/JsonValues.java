package dev.lorikeet.source;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.exc.StreamConstraintsException;
import tools.jackson.core.json.JsonFactory;

/** Reads JSON values as null, Boolean, Number, String, List and Map, of bounded size. */
final class JsonValues {
  static final JsonFactory FACTORY =
      JsonFactory.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .disable(StreamReadFeature.AUTO_CLOSE_SOURCE)
          .streamReadConstraints(
              StreamReadConstraints.builder().maxStringLength(RecordReader.LARGEST_RECORD).build())
          .build();

  /** What a value costs besides its characters. */
  private static final int VALUE_COST = 8;

  private final JsonParser parser;
  private long left;

  /** {@code parser} stays its owner's. */
  JsonValues(JsonParser parser) {
    this.parser = parser;
  }

  /** A record beyond the bound. */
  static final class TooLargeException extends RuntimeException {}

  /**
   * The object whose first token the parser is at; leaves the parser at its last.
   *
   * @throws JacksonException for text that is not JSON
   * @throws TooLargeException beyond the bound
   */
  Map<String, @Nullable Object> object() {
    left = RecordReader.LARGEST_RECORD;
    try {
      return fields();
    } catch (StreamConstraintsException limit) {
      if (String.valueOf(limit.getMessage()).contains("String value length")) {
        throw new TooLargeException();
      }
      throw limit;
    }
  }

  /**
   * The value that is all of {@code text}.
   *
   * @throws JacksonException for text that is not JSON
   * @throws TooLargeException beyond the bound
   */
  static @Nullable Object parse(String text) {
    try (JsonParser parser = FACTORY.createParser(ObjectReadContext.empty(), text)) {
      JsonValues values = new JsonValues(parser);
      values.left = RecordReader.LARGEST_RECORD;
      JsonToken first = parser.nextToken();
      Object value = first == null ? null : values.value(first);
      if (first == null || parser.nextToken() != null) {
        throw new tools.jackson.core.exc.StreamReadException(parser, "not one JSON value");
      }
      return value;
    }
  }

  private Map<String, @Nullable Object> fields() {
    Map<String, @Nullable Object> fields = new LinkedHashMap<>();
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String key = parser.currentName();
      spend(key.length());
      fields.put(key, value(parser.nextToken()));
    }
    return fields;
  }

  private @Nullable Object value(JsonToken token) {
    spend(VALUE_COST);
    return switch (token) {
      case START_OBJECT -> fields();
      case START_ARRAY -> items();
      case VALUE_STRING -> {
        String text = parser.getString();
        spend(text.length());
        yield text;
      }
      case VALUE_TRUE -> true;
      case VALUE_FALSE -> false;
      case VALUE_NULL -> null;
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> parser.getNumberValue();
      default -> throw new IllegalStateException("no value begins with " + token);
    };
  }

  private List<@Nullable Object> items() {
    List<@Nullable Object> items = new ArrayList<>();
    for (JsonToken token = parser.nextToken();
        token != JsonToken.END_ARRAY;
        token = parser.nextToken()) {
      items.add(value(token));
    }
    return items;
  }

  private void spend(int count) {
    left -= count;
    if (left < 0) {
      throw new TooLargeException();
    }
  }

  /** What a token begins, in words. */
  static String kind(JsonToken token) {
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
}
