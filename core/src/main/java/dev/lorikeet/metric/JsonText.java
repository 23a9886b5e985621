package dev.lorikeet.metric;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectReader;
import tools.jackson.databind.json.JsonMapper;

/**
 * JSON in what a model wrote: RFC 8259 to the letter, so no comments, single quotes, trailing
 * commas, NaN, or a key twice.
 */
final class JsonText {
  private static final int MOST_STARTS = 200;
  private static final Pattern FENCED =
      Pattern.compile("```[A-Za-z0-9_+-]*[ \\t]*\\r?\\n(?<body>.*?)```", Pattern.DOTALL);

  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .enable(DeserializationFeature.USE_BIG_INTEGER_FOR_INTS)
          .build();
  private static final ObjectReader WHOLE =
      MAPPER.readerFor(JsonNode.class).with(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
  private static final ObjectReader BEGINNING =
      MAPPER.readerFor(JsonNode.class).without(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private JsonText() {}

  /** Where in an answer the JSON is looked for. */
  enum Place {
    /** The whole answer, but for white space around it. */
    WHOLE,
    /** The first block between {@code ```} lines; the whole answer where there is none. */
    FENCED,
    /** The first object or list that can be read, whatever stands around it. */
    FIRST
  }

  /** The value in {@code text}; empty where there is none. */
  static Optional<JsonNode> read(String text, Place place) {
    return switch (place) {
      case WHOLE -> parsed(WHOLE, text);
      case FENCED -> parsed(WHOLE, fenced(text));
      case FIRST -> first(text);
    };
  }

  private static String fenced(String text) {
    Matcher block = FENCED.matcher(text);
    return block.find() ? block.group("body") : text;
  }

  /** Code between the first {@code ```} lines; the whole text where there are none. */
  static String code(String text) {
    return fenced(text);
  }

  private static Optional<JsonNode> first(String text) {
    int starts = 0;
    for (int at = 0; at < text.length() && starts < MOST_STARTS; at++) {
      if (text.charAt(at) == '{' || text.charAt(at) == '[') {
        starts++;
        Optional<JsonNode> found = parsed(BEGINNING, text.substring(at));
        if (found.isPresent()) {
          return found;
        }
      }
    }
    return Optional.empty();
  }

  private static Optional<JsonNode> parsed(ObjectReader reader, String text) {
    try {
      JsonNode node = reader.readTree(text);
      return node.isMissingNode() ? Optional.empty() : Optional.of(node);
    } catch (JacksonException notJson) {
      return Optional.empty();
    }
  }
}
