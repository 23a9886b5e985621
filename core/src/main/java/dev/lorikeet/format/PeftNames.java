package dev.lorikeet.format;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How PEFT 0.21 finds modules by name. Its rules differ from key to key, and an adapter means what
 * PEFT would read into it.
 */
public final class PeftNames {
  private static final Pattern LAYER = Pattern.compile(".*?\\.[^.]*\\.(\\d+)\\.");

  private PeftNames() {}

  /** Rule of {@code target_modules} and {@code exclude_modules}: the name, or its last parts. */
  public static boolean endsWith(String module, String name) {
    return module.equals(name) || module.endsWith("." + name);
  }

  /**
   * Rule of {@code rank_pattern} and {@code alpha_pattern}: the first key, in order, that as a
   * regular expression matches the end of the name, from a dot or from the start.
   */
  public static <T> Optional<T> pattern(Map<String, T> patterns, String module) {
    for (Map.Entry<String, T> entry : patterns.entrySet()) {
      if (matches(entry.getKey(), module)) {
        return Optional.of(entry.getValue());
      }
    }
    return Optional.empty();
  }

  /** Whether one key of {@code rank_pattern} or {@code alpha_pattern} means the module. */
  public static boolean matches(String pattern, String module) {
    return Pattern.compile("(.*\\.)?(" + pattern + ")$").matcher(module).lookingAt();
  }

  /**
   * Rule of {@code modules_to_save}: a parameter belongs to a saved module if the name of a module
   * around it ends with a key, whatever stands before. So {@code norm} is every norm of a Llama.
   *
   * @param parameter such as {@code model.norm.weight}
   */
  public static boolean saves(List<String> modulesToSave, String parameter) {
    int end = parameter.lastIndexOf('.');
    while (end > 0) {
      String module = parameter.substring(0, end);
      if (modulesToSave.stream().anyMatch(module::endsWith)) {
        return true;
      }
      end = parameter.lastIndexOf('.', end - 1);
    }
    return false;
  }

  /** Rule of {@code layers_to_transform} without {@code layers_pattern}: the first number. */
  public static OptionalInt layer(String module) {
    return number(LAYER, module);
  }

  /**
   * The same with {@code layers_pattern}: the number behind one of the given names.
   *
   * @param layersPattern names of the list that holds the layers, as expressions; may be empty
   */
  public static OptionalInt layer(String module, List<String> layersPattern) {
    if (layersPattern.isEmpty()) {
      return layer(module);
    }
    for (String pattern : layersPattern) {
      OptionalInt layer =
          number(Pattern.compile("(?:^|.*?\\.)(?:" + pattern + ")\\.(\\d+)\\."), module);
      if (layer.isPresent()) {
        return layer;
      }
    }
    return OptionalInt.empty();
  }

  private static OptionalInt number(Pattern pattern, String module) {
    Matcher matcher = pattern.matcher(module);
    return matcher.lookingAt()
        ? OptionalInt.of(Integer.parseInt(matcher.group(matcher.groupCount())))
        : OptionalInt.empty();
  }
}
