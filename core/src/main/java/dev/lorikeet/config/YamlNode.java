package dev.lorikeet.config;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A piece of a recipe with the place it was read from. */
sealed interface YamlNode {
  Place place();

  /**
   * Where a node was written.
   *
   * @param line line in the YAML, from 1; 0 where there is none
   * @param label how a problem names the place: {@code line 3} or {@code --set train.epochs=x}
   */
  record Place(int line, String label) {
    static Place ofLine(int line) {
      return new Place(line, "line " + line);
    }
  }

  /**
   * A single value.
   *
   * @param value null, Boolean, Long, BigInteger, Double or String
   * @param text as written, without quotes
   */
  record Scalar(@Nullable Object value, String text, Place place) implements YamlNode {}

  /** A list. */
  record Items(List<YamlNode> nodes, Place place) implements YamlNode {}

  /** Keys and values in the order of the file. */
  record Fields(Map<String, Field> fields, Place place) implements YamlNode {}

  /** A value with the place of its key. */
  record Field(YamlNode node, Place place) {}

  /** The value in words for a message, such as {@code the text "abc"}. */
  default String words() {
    return switch (this) {
      case Items _ -> "a list";
      case Fields _ -> "a section with keys";
      case Scalar(Object value, String text, Place _) ->
          switch (value) {
            case null -> "null";
            case String _ -> "the text \"" + text + "\"";
            default -> text;
          };
    };
  }
}
