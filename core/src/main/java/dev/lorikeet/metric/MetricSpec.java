package dev.lorikeet.metric;

import dev.lorikeet.error.ConfigException;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A metric as a user asks for it: its name and options.
 *
 * <p>On a command line {@code numeric_match(relative=0.01, pick=first)}; values with commas, equal
 * signs, brackets or spaces stand in double quotes, in which {@code \"} and {@code \\} are a quote
 * and a backslash, and other backslashes are themselves.
 *
 * @param options values as YAML has them: texts, numbers, booleans, lists of texts
 */
public record MetricSpec(String name, Map<String, Object> options) {
  private static final Pattern WHOLE =
      Pattern.compile("\\s*([A-Za-z0-9_+.-]+)\\s*(?:\\((.*)\\))?\\s*", Pattern.DOTALL);
  private static final Pattern OPTION =
      Pattern.compile(
          "\\G\\s*([A-Za-z0-9_]+)\\s*=\\s*(?:\"((?:[^\"\\\\]|\\\\.)*)\"|([^,\"]*?))\\s*(,|$)",
          Pattern.DOTALL);

  public MetricSpec {
    options = Collections.unmodifiableMap(new LinkedHashMap<>(options));
  }

  public MetricSpec(String name) {
    this(name, Map.of());
  }

  /**
   * The metric that {@code text} asks for.
   *
   * @throws ConfigException if it cannot be read
   */
  public static MetricSpec parse(String text) {
    Matcher whole = WHOLE.matcher(text);
    if (!whole.matches()) {
      throw unreadable(text);
    }
    Map<String, Object> options = new LinkedHashMap<>();
    String inside = whole.group(2) == null ? "" : whole.group(2);
    Matcher option = OPTION.matcher(inside);
    int at = 0;
    boolean more = !inside.isBlank();
    while (more) {
      if (!option.find(at) || option.start() != at) {
        throw unreadable(text);
      }
      String quoted = option.group(2);
      String value = quoted == null ? option.group(3) : quoted.replaceAll("\\\\([\"\\\\])", "$1");
      if (options.put(option.group(1), value) != null) {
        throw new ConfigException(
            "Metric " + text + " has the option " + option.group(1) + " twice");
      }
      at = option.end();
      more = !option.group(4).isEmpty();
    }
    return new MetricSpec(whole.group(1), options);
  }

  private static ConfigException unreadable(String text) {
    return new ConfigException(
        "Metric "
            + text
            + " cannot be read; write name, or name(option=value, other=\"value with, signs\")");
  }

  /** The same for the same options in any order: what result files record. */
  public String text() {
    return options.isEmpty()
        ? name
        : name
            + new TreeMap<>(options)
                .entrySet().stream()
                    .map(entry -> entry.getKey() + "=" + quoted(entry.getValue()))
                    .collect(Collectors.joining(", ", "(", ")"));
  }

  private static String quoted(Object value) {
    String text =
        value instanceof Iterable<?> list ? MetricOptions.joined(list) : String.valueOf(value);
    return text.matches("[A-Za-z0-9_.+-]+")
        ? text
        : "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
  }
}
