package dev.lorikeet.config;

import dev.lorikeet.config.DataSettings.Validation;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Writes a {@link RunConfig} as a recipe with every key. */
final class RecipeWriter {
  /** Texts that no YAML reader takes for something else; the rest is quoted. */
  private static final Pattern PLAIN = Pattern.compile("[A-Za-z_][A-Za-z0-9_./-]*");

  private static final Pattern KEYWORD = Pattern.compile("(?i)(true|false|null|yes|no|on|off|y|n)");

  private RecipeWriter() {}

  static String write(RunConfig config) {
    StringBuilder yaml = new StringBuilder();
    for (RecordComponent component : RunConfig.class.getRecordComponents()) {
      Object value = value(component, config);
      yaml.append(RecipeKeys.key(component)).append(':');
      if (value instanceof Record section) {
        for (RecordComponent inner : section.getClass().getRecordComponents()) {
          yaml.append("\n  ").append(RecipeKeys.key(inner)).append(": ");
          yaml.append(text(value(inner, section)));
        }
        yaml.append('\n');
      } else {
        yaml.append(' ').append(text(value)).append('\n');
      }
    }
    return yaml.toString();
  }

  private static Object value(RecordComponent component, Record owner) {
    try {
      return component.getAccessor().invoke(owner);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("cannot read " + component, e);
    }
  }

  /** A value on one line. */
  static String text(Object value) {
    return switch (value) {
      case Choice choice -> choice.spelling();
      case InitLoraWeights start -> start.spelling();
      case MicroBatchSize size -> size.spelling();
      case Optional<?> optional -> optional.map(RecipeWriter::text).orElse("null");
      case OptionalInt optional -> optional.isPresent() ? "" + optional.getAsInt() : "null";
      case OptionalDouble optional -> optional.isPresent() ? text(optional.getAsDouble()) : "null";
      case Validation.Fraction(double share) -> text(share);
      case Validation.File(var path) -> text(path);
      case Double number -> Double.toString(number).replace('E', 'e');
      case Number number -> number.toString();
      case Boolean flag -> flag.toString();
      case ModuleSelection.Text(String text) -> plainOrQuoted(text);
      case ModuleSelection.Names(var names) -> text(names);
      case Map<?, ?> map ->
          map.entrySet().stream()
              .map(entry -> quoted(entry.getKey().toString()) + ": " + text(entry.getValue()))
              .collect(Collectors.joining(", ", "{", "}"));
      case List<?> names ->
          names.stream().map(RecipeWriter::text).collect(Collectors.joining(", ", "[", "]"));
      case Record item ->
          Arrays.stream(item.getClass().getRecordComponents())
              .map(inner -> RecipeKeys.key(inner) + ": " + text(value(inner, item)))
              .collect(Collectors.joining(", ", "{", "}"));
      default -> plainOrQuoted(value.toString());
    };
  }

  private static String plainOrQuoted(String text) {
    return PLAIN.matcher(text).matches() && !KEYWORD.matcher(text).matches() ? text : quoted(text);
  }

  /** A YAML text in double quotes. */
  static String quoted(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> quoted.append("\\\"");
        case '\\' -> quoted.append("\\\\");
        default -> {
          if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || c == 0xfeff) {
            quoted.append(String.format("\\u%04x", (int) c));
          } else {
            quoted.append(c);
          }
        }
      }
    }
    return quoted.append('"').toString();
  }
}
