package dev.lorikeet.metric;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** What Python's text methods do, where Java's differ and the reference metrics rest on it. */
final class PythonText {
  /** {@code string.punctuation}. */
  static final String PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

  private PythonText() {}

  /** {@code str.isspace} of one character: with no-break spaces, which Java does not count. */
  static boolean isSpace(int codePoint) {
    return (codePoint >= 0x09 && codePoint <= 0x0D)
        || (codePoint >= 0x1C && codePoint <= 0x20)
        || codePoint == 0x85
        || Character.isSpaceChar(codePoint);
  }

  /** {@code str.strip}. */
  static String strip(String text) {
    return stripEnd(text.substring(leadingSpaces(text)));
  }

  /** {@code str.rstrip}. */
  static String stripEnd(String text) {
    int end = text.length();
    while (end > 0 && isSpace(text.codePointBefore(end))) {
      end -= Character.charCount(text.codePointBefore(end));
    }
    return text.substring(0, end);
  }

  private static int leadingSpaces(String text) {
    int start = 0;
    while (start < text.length() && isSpace(text.codePointAt(start))) {
      start += Character.charCount(text.codePointAt(start));
    }
    return start;
  }

  /** {@code str.split()}: the words between white space. */
  static List<String> split(String text) {
    List<String> words = new ArrayList<>();
    int start = -1;
    int at = 0;
    while (at < text.length()) {
      int codePoint = text.codePointAt(at);
      if (isSpace(codePoint)) {
        if (start >= 0) {
          words.add(text.substring(start, at));
        }
        start = -1;
      } else if (start < 0) {
        start = at;
      }
      at += Character.charCount(codePoint);
    }
    if (start >= 0) {
      words.add(text.substring(start));
    }
    return words;
  }

  /** {@code text} without the characters of {@code unwanted}. */
  static String without(String text, String unwanted) {
    var kept = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      if (unwanted.indexOf(text.charAt(i)) < 0) {
        kept.append(text.charAt(i));
      }
    }
    return kept.toString();
  }

  /**
   * An expression written for Python's {@code re}: {@code (?P<name>…)} and {@code (?P=name)} are
   * understood, classes such as {@code \d} are Unicode's, and only {@code \n} ends a line.
   *
   * @throws java.util.regex.PatternSyntaxException if it is not an expression
   */
  static Pattern pattern(String expression) {
    String ours =
        expression
            .replace("(?P<", "(?<")
            .replaceAll("\\(\\?P=([A-Za-z_][A-Za-z0-9_]*)\\)", "\\\\k<$1>");
    return Pattern.compile(ours, Pattern.UNICODE_CHARACTER_CLASS | Pattern.UNIX_LINES);
  }
}
