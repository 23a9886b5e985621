package dev.lorikeet.metric;

import dev.lorikeet.error.ConfigException;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Collectors;

/**
 * Reads the options of a metric: each getter notes that its option is known, and {@link #done}
 * reports everything that was wrong.
 */
public final class MetricOptions {
  /** Lists on a command line are one text with this between the elements. */
  private static final String LIST_SEPARATOR = "\n";

  private final MetricSpec spec;
  private final Set<String> known = new LinkedHashSet<>();
  private final List<String> problems = new ArrayList<>();

  public MetricOptions(MetricSpec spec) {
    this.spec = spec;
  }

  static String joined(Iterable<?> list) {
    List<String> texts = new ArrayList<>();
    list.forEach(element -> texts.add(String.valueOf(element)));
    return String.join(LIST_SEPARATOR, texts);
  }

  /** The text of an option, if it is there. */
  public Optional<String> text(String option) {
    known.add(option);
    return Optional.ofNullable(spec.options().get(option)).map(String::valueOf);
  }

  /** The value of {@code fallback}'s type that the option names in lower case. */
  public <E extends Enum<E>> E choice(String option, E fallback) {
    Optional<String> found = text(option);
    if (found.isEmpty()) {
      return fallback;
    }
    E[] all = fallback.getDeclaringClass().getEnumConstants();
    for (E value : all) {
      if (spelling(value).equals(found.get())) {
        return value;
      }
    }
    String choices =
        Arrays.stream(all).map(MetricOptions::spelling).collect(Collectors.joining(", "));
    problems.add(option + " must be one of " + choices + ", found " + found.get());
    return fallback;
  }

  private static String spelling(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }

  /** Whether the option is {@code true}; false where it is absent. */
  public boolean flag(String option) {
    String found = text(option).orElse("false");
    if (!found.equals("true") && !found.equals("false")) {
      problems.add(option + " must be true or false, found " + found);
    }
    return found.equals("true");
  }

  /** A number of at least 0. */
  public BigDecimal notNegative(String option, String fallback) {
    String found = text(option).orElse(fallback);
    try {
      BigDecimal number = new BigDecimal(found.strip());
      if (number.signum() >= 0) {
        return number;
      }
    } catch (NumberFormatException notNumber) {
      // Told below, with what was found.
    }
    problems.add(option + " must be a number of at least 0, found " + found);
    return new BigDecimal(fallback);
  }

  /** A whole number in {@code low..high}. */
  public int whole(String option, int fallback, int low, int high) {
    String found = text(option).orElse(String.valueOf(fallback));
    try {
      int number = Integer.parseInt(found.strip());
      if (number >= low && number <= high) {
        return number;
      }
    } catch (NumberFormatException notNumber) {
      // Told below, with what was found.
    }
    problems.add(
        option + " must be a whole number from " + low + " to " + high + ", found " + found);
    return fallback;
  }

  /** The elements of a list; one text is a list of one, or of its lines. */
  public List<String> texts(String option) {
    known.add(option);
    Object value = spec.options().get(option);
    if (value == null) {
      return List.of();
    }
    String all = value instanceof Iterable<?> list ? joined(list) : String.valueOf(value);
    return List.of(all.split(LIST_SEPARATOR, -1));
  }

  /** A regular expression in Python's spelling, if it is there. */
  public Optional<Pattern> pattern(String option) {
    return text(option).flatMap(expression -> compiled(option, expression));
  }

  /** A list of regular expressions. */
  public List<Pattern> patterns(String option) {
    return texts(option).stream()
        .flatMap(expression -> compiled(option, expression).stream())
        .toList();
  }

  private Optional<Pattern> compiled(String option, String expression) {
    try {
      return Optional.of(PythonText.pattern(expression));
    } catch (PatternSyntaxException wrong) {
      problems.add(
          option
              + " must be a regular expression, found "
              + expression
              + " ("
              + wrong.getDescription()
              + ")");
      return Optional.empty();
    }
  }

  /** Notes that {@code problem}, which begins with the option's name. */
  public void refuse(String problem) {
    problems.add(problem);
  }

  /**
   * Ends the reading.
   *
   * @throws ConfigException if an option was wrong or is unknown
   */
  public void done() {
    for (String option : spec.options().keySet()) {
      if (!known.contains(option)) {
        problems.add(
            option
                + " is unknown; "
                + Nearest.suggestion(option, known, "the options are ", "it has no options"));
      }
    }
    if (!problems.isEmpty()) {
      throw new ConfigException("Metric " + spec.name(), problems);
    }
  }
}
