package dev.lorikeet.config;

import dev.lorikeet.config.YamlNode.Field;
import dev.lorikeet.config.YamlNode.Fields;
import dev.lorikeet.config.YamlNode.Items;
import dev.lorikeet.config.YamlNode.Place;
import dev.lorikeet.config.YamlNode.Scalar;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.dataformat.yaml.YAMLFactory;
import tools.jackson.dataformat.yaml.YAMLParser;

/** Reads one YAML 1.2 document into nodes that know their line; repeated keys are problems. */
final class YamlReader {
  private final JsonParser parser;
  private final IntFunction<Place> places;
  private final Consumer<Problem> problems;

  private YamlReader(JsonParser parser, IntFunction<Place> places, Consumer<Problem> problems) {
    this.parser = parser;
    this.places = places;
    this.problems = problems;
  }

  /**
   * The document's node; empty for an empty document or after a syntax error.
   *
   * @param places what a line of {@code yaml} is called in problems
   */
  static Optional<YamlNode> read(
      String yaml, IntFunction<Place> places, Consumer<Problem> problems) {
    int half = firstHalfCharacter(yaml);
    if (half < yaml.length()) {
      int line = 1 + (int) yaml.substring(0, half).chars().filter(c -> c == '\n').count();
      problems.accept(
          new Problem(
              places.apply(line),
              "not valid YAML: holds half of a character, U+%04X"
                  .formatted((int) yaml.charAt(half))));
      return Optional.empty();
    }
    try (JsonParser parser =
        new YAMLFactory().createParser(ObjectReadContext.empty(), withoutByteOrderMark(yaml))) {
      YamlReader reader = new YamlReader(parser, places, problems);
      if (parser.nextToken() == null) {
        return Optional.empty();
      }
      YamlNode node = reader.node("");
      if (parser.nextToken() != null) {
        problems.accept(
            new Problem(reader.place(), "a second document begins; a recipe is one document"));
      }
      return Optional.of(node);
    } catch (JacksonException e) {
      problems.accept(syntaxProblem(e, places));
      return Optional.empty();
    }
  }

  /** Index of the first unpaired surrogate, on which the parser would break; else the length. */
  private static int firstHalfCharacter(String text) {
    int at = 0;
    while (at < text.length()) {
      int character = text.codePointAt(at);
      if (Character.getType(character) == Character.SURROGATE) {
        return at;
      }
      at += Character.charCount(character);
    }
    return at;
  }

  private static String withoutByteOrderMark(String yaml) {
    return yaml.startsWith("\uFEFF") ? yaml.substring(1) : yaml;
  }

  private static Problem syntaxProblem(JacksonException e, IntFunction<Place> places) {
    TokenStreamLocation location = e.getLocation();
    int line = location == null ? 0 : Math.max(0, location.getLineNr());
    Place place = places.apply(line);
    if (line > 0 && place.line() == line) {
      place = new Place(line, place.label() + ", column " + location.getColumnNr());
    }
    return new Problem(place, "not valid YAML: " + reason(e.getOriginalMessage()));
  }

  /** The parser's sentences without its pictures: a line of the source above one with a caret. */
  private static String reason(String message) {
    List<String> lines = message.lines().map(String::strip).toList();
    List<String> sentences = new ArrayList<>();
    for (int i = 0; i < lines.size(); i++) {
      boolean picture = i + 1 < lines.size() && lines.get(i + 1).startsWith("^");
      boolean said = lines.get(i).isEmpty() || lines.get(i).startsWith("in reader");
      if (!picture && !said && !lines.get(i).startsWith("^")) {
        sentences.add(lines.get(i));
      }
    }
    return String.join(", ", sentences);
  }

  /** The node at the current token; {@code path} is its full key. */
  private YamlNode node(String path) {
    if (parser instanceof YAMLParser yaml && yaml.isCurrentAlias()) {
      problems.accept(new Problem(place(), "uses a YAML alias (*name), which recipes do not have"));
    }
    return switch (parser.currentToken()) {
      case START_OBJECT -> fields(path);
      case START_ARRAY -> items(path);
      default -> scalar();
    };
  }

  private Fields fields(String path) {
    Place start = place();
    Map<String, Field> fields = new LinkedHashMap<>();
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String key = parser.currentName();
      String inner = RecipeKeys.path(path, key);
      Place place = place();
      parser.nextToken();
      Field previous = fields.putIfAbsent(key, new Field(node(inner), place));
      if (previous != null) {
        problems.accept(
            new Problem(place, inner + " is given twice, first at " + previous.place().label()));
      }
    }
    return new Fields(fields, start);
  }

  private Items items(String path) {
    Place start = place();
    List<YamlNode> nodes = new ArrayList<>();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      nodes.add(node(path));
    }
    return new Items(nodes, start);
  }

  private Scalar scalar() {
    String text = parser.getString();
    Object value =
        switch (parser.currentToken()) {
          case VALUE_NULL -> null;
          case VALUE_TRUE -> true;
          case VALUE_FALSE -> false;
          case VALUE_NUMBER_INT ->
              parser.getNumberValue() instanceof BigInteger big
                  ? big
                  : (Object) parser.getLongValue();
          case VALUE_NUMBER_FLOAT -> parser.getDoubleValue();
          default -> text;
        };
    return new Scalar(value, text, place());
  }

  private Place place() {
    return places.apply(parser.currentTokenLocation().getLineNr());
  }
}
