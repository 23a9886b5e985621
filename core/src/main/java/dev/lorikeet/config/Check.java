package dev.lorikeet.config;

import dev.lorikeet.error.ConfigException;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

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

  /** At least 1, or nothing. */
  Check factor(String key, OptionalDouble found) {
    return require(
        found.isEmpty() || found.getAsDouble() >= 1,
        key + " must be a number of at least 1 or null" + found(found.orElse(1)));
  }

  Check notBlank(String key, String found) {
    return require(!found.isBlank(), key + " must not be empty");
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
