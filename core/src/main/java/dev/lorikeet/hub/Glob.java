package dev.lorikeet.hub;

import dev.lorikeet.error.ConfigException;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * A pattern of file names as Python's {@code fnmatch} has it and the hub's other tools use it:
 * {@code *} is any text, slashes included, {@code ?} a character, {@code [ab]} one of some, {@code
 * [!ab]} none of them. A pattern that ends with a slash means all below that folder.
 */
final class Glob {
  private static final String SPECIAL = "\\.^$+{}()|";

  private final Pattern pattern;

  /**
   * Reads a pattern.
   *
   * @throws ConfigException if it is empty or its brackets hold no set
   */
  Glob(String text) {
    if (text.isBlank()) {
      throw new ConfigException("a pattern of file names is empty; expected one such as '*.json'");
    }
    try {
      pattern = Pattern.compile(regex(text.endsWith("/") ? text + "*" : text), Pattern.DOTALL);
    } catch (PatternSyntaxException wrong) {
      throw new ConfigException(
          "'%s' is no pattern of file names (%s); expected one such as '*.json'"
              .formatted(text, wrong.getDescription()));
    }
  }

  boolean matches(String path) {
    return pattern.matcher(path).matches();
  }

  private static String regex(String glob) {
    StringBuilder regex = new StringBuilder();
    for (int i = 0; i < glob.length(); i++) {
      char c = glob.charAt(i);
      int close = c == '[' ? end(glob, i) : -1;
      if (close > 0) {
        String set = glob.substring(i + 1, close).replace("\\", "\\\\").replace("[", "\\[");
        set = set.replace("&&", "&\\&");
        boolean negated = set.startsWith("!");
        String members = negated ? set.substring(1) : set.startsWith("^") ? "\\" + set : set;
        String closed = members.startsWith("]") ? "\\" + members : members;
        regex.append(negated ? "[^" : "[").append(closed).append(']');
        i = close;
      } else {
        switch (c) {
          case '*' -> regex.append(".*");
          case '?' -> regex.append('.');
          case '[' -> regex.append("\\[");
          default -> regex.append(SPECIAL.indexOf(c) >= 0 ? "\\" : "").append(c);
        }
      }
    }
    return regex.toString();
  }

  /** Where the set that begins at {@code open} ends; -1 if the bracket stands for itself. */
  private static int end(String glob, int open) {
    int from = open + 1;
    if (from < glob.length() && glob.charAt(from) == '!') {
      from++;
    }
    return glob.indexOf(']', from + 1);
  }
}
