package dev.lorikeet.config;

import dev.lorikeet.error.ConfigException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/** Collects every broken rule of one record, so that a constructor reports them together. */
final class Check {
  private final List<String> problems = new ArrayList<>();

  /** Adds {@code problem}, which starts with the recipe key it is about, unless the rule holds. */
  Check require(boolean holds, String problem) {
    if (!holds) {
      problems.add(problem);
    }
    return this;
  }

  Check atLeast(String key, long minimum, long found) {
    return require(
        found >= minimum, key + " must be a whole number of at least " + minimum + found(found));
  }

  Check positive(String key, double found) {
    return require(
        Double.isFinite(found) && found > 0, key + " must be a number above 0" + found(found));
  }

  Check notNegative(String key, double found) {
    return require(
        Double.isFinite(found) && found >= 0,
        key + " must be a number of at least 0" + found(found));
  }

  /** Half-open range [0, 1). */
  Check fraction(String key, double found) {
    return require(
        found >= 0 && found < 1,
        key + " must be a number of at least 0 and below 1" + found(found));
  }

  /** Half-open range (0, 1]. */
  Check share(String key, double found) {
    return require(
        found > 0 && found <= 1, key + " must be a number above 0 and at most 1" + found(found));
  }

  /** A regular expression that can be read. */
  Check pattern(String key, String text) {
    try {
      Pattern.compile(text);
      return notBlank(key, text);
    } catch (PatternSyntaxException wrong) {
      return require(
          false,
          "%s must hold regular expressions, found %s (%s)"
              .formatted(key, text, wrong.getDescription()));
    }
  }

  /** At least 1, or nothing. */
  Check factor(String key, OptionalDouble found) {
    return require(
        found.isEmpty() || found.getAsDouble() >= 1,
        key + " must be a number of at least 1 or null" + found(found.orElse(1)));
  }

  Check notBlank(String key, String found) {
    return require(!found.isBlank(), key + " must not be empty");
  }

  /** What formats call a key, to what a file calls it; no name is empty. */
  Check columns(String key, Map<String, String> columns) {
    return require(
            columns.entrySet().stream()
                .noneMatch(entry -> entry.getKey().isBlank() || entry.getValue().isBlank()),
            key + " must not hold an empty name")
        .require(
            new HashSet<>(columns.values()).size() == columns.size(),
            key + " must not use a column twice" + found(columns));
  }

  /** A data set of the hub; a revision and patterns of files have no sense without one. */
  Check hub(String section, Optional<String> id, String revision, List<String> files) {
    return notBlank(section + ".id", id.orElse("-"))
        .notBlank(section + ".revision", revision)
        .require(
            files.stream().noneMatch(String::isBlank),
            section + ".files must not hold an empty pattern")
        .require(
            id.isPresent() || revision.equals(ModelSettings.MAIN),
            section + ".revision is for a data set of the hub; name it in " + section + ".id")
        .require(
            id.isPresent() || files.isEmpty(),
            section + ".files is for a data set of the hub; name it in " + section + ".id");
  }

  /** Every text is a name, and none is there twice. */
  Check names(String key, List<String> names) {
    return require(names.stream().noneMatch(String::isBlank), key + " must not hold an empty name")
        .require(
            new HashSet<>(names).size() == names.size(),
            key + " must not name a layer twice" + found(names));
  }

  /** A list of names, at least one, or one text that is a preset or an expression. */
  Check selection(String key, ModuleSelection selection) {
    return switch (selection) {
      case ModuleSelection.Names(List<String> names) ->
          require(!names.isEmpty(), key + " must name a layer, found none").names(key, names);
      case ModuleSelection.Text(String text) -> expression(key, text);
    };
  }

  Check selection(String key, Optional<ModuleSelection> selection) {
    return selection.isPresent() ? selection(key, selection.get()) : this;
  }

  /** A regular expression that can be compiled. */
  Check expression(String key, String text) {
    if (text.isBlank()) {
      return require(false, key + " must not hold an empty name");
    }
    try {
      Pattern.compile(text);
      return this;
    } catch (PatternSyntaxException wrong) {
      return require(
          false,
          key
              + " must be a regular expression"
              + found(text)
              + " ("
              + wrong.getDescription()
              + ")");
    }
  }

  /** An unchangeable copy that keeps the order: of several patterns the first match counts. */
  static <T> Map<String, T> ordered(Map<String, T> map) {
    return Collections.unmodifiableMap(new LinkedHashMap<>(map));
  }

  /** Throws when a rule was broken. */
  void done(String source) {
    if (!problems.isEmpty()) {
      throw new ConfigException(source, problems);
    }
  }

  private static String found(Object value) {
    return ", found " + value;
  }
}
