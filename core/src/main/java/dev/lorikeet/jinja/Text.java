package dev.lorikeet.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.IntPredicate;

/** Python's string functions on Java strings; a character is a code point. */
public final class Text {
  private Text() {}

  /** {@code str.isspace} of one character. */
  public static boolean isSpace(int c) {
    return (c >= 0x09 && c <= 0x0d)
        || (c >= 0x1c && c <= 0x20)
        || c == 0x85
        || c == 0xa0
        || c == 0x1680
        || (c >= 0x2000 && c <= 0x200a)
        || c == 0x2028
        || c == 0x2029
        || c == 0x202f
        || c == 0x205f
        || c == 0x3000;
  }

  private static boolean isLineEnd(char c) {
    return (c >= '\n' && c <= '\r')
        || (c >= 0x1c && c <= 0x1e)
        || c == 0x85
        || c == 0x2028
        || c == 0x2029;
  }

  /** {@code strip}: without the characters of {@code isStripped} at both ends. */
  public static String strip(String text, IntPredicate isStripped) {
    return stripEnd(stripStart(text, isStripped), isStripped);
  }

  static String stripStart(String text, IntPredicate isStripped) {
    int start = 0;
    while (start < text.length()) {
      int c = text.codePointAt(start);
      if (!isStripped.test(c)) {
        break;
      }
      start += Character.charCount(c);
    }
    return text.substring(start);
  }

  static String stripEnd(String text, IntPredicate isStripped) {
    int end = text.length();
    while (end > 0) {
      int c = text.codePointBefore(end);
      if (!isStripped.test(c)) {
        break;
      }
      end -= Character.charCount(c);
    }
    return text.substring(0, end);
  }

  /** {@code split()} at runs of white space, at most {@code most} times (negative: always). */
  static List<String> words(String text, int most) {
    List<String> words = new ArrayList<>();
    String rest = stripStart(text, Text::isSpace);
    int at = 0;
    while (at < rest.length()) {
      if (most >= 0 && words.size() == most) {
        words.add(rest.substring(at));
        return words;
      }
      int end = at;
      while (end < rest.length() && !isSpace(rest.charAt(end))) {
        end++;
      }
      words.add(rest.substring(at, end));
      at = end;
      while (at < rest.length() && isSpace(rest.charAt(at))) {
        at++;
      }
    }
    return words;
  }

  /** {@code rsplit()} at runs of white space. */
  static List<String> wordsFromEnd(String text, int most) {
    List<String> words = new ArrayList<>();
    String rest = stripEnd(text, Text::isSpace);
    int end = rest.length();
    while (end > 0) {
      if (most >= 0 && words.size() == most) {
        words.addFirst(rest.substring(0, end));
        return words;
      }
      int start = end;
      while (start > 0 && !isSpace(rest.charAt(start - 1))) {
        start--;
      }
      words.addFirst(rest.substring(start, end));
      end = start;
      while (end > 0 && isSpace(rest.charAt(end - 1))) {
        end--;
      }
    }
    return words;
  }

  /** {@code split(separator, most)}. */
  static List<String> split(String text, String separator, int most) {
    requireSeparator(separator);
    List<String> parts = new ArrayList<>();
    int at = 0;
    while (most < 0 || parts.size() < most) {
      int end = text.indexOf(separator, at);
      if (end < 0) {
        break;
      }
      parts.add(text.substring(at, end));
      at = end + separator.length();
    }
    parts.add(text.substring(at));
    return parts;
  }

  /** {@code rsplit(separator, most)}. */
  static List<String> splitFromEnd(String text, String separator, int most) {
    requireSeparator(separator);
    List<String> parts = new ArrayList<>();
    int end = text.length();
    while (most < 0 || parts.size() < most) {
      int start =
          end < separator.length() ? -1 : text.lastIndexOf(separator, end - separator.length());
      if (start < 0) {
        break;
      }
      parts.addFirst(text.substring(start + separator.length(), end));
      end = start;
    }
    parts.addFirst(text.substring(0, end));
    return parts;
  }

  private static void requireSeparator(String separator) {
    if (separator.isEmpty()) {
      throw PyError.value("empty separator");
    }
  }

  static List<String> lines(String text, boolean keepEnds) {
    List<String> lines = new ArrayList<>();
    int start = 0;
    for (int at = 0; at < text.length(); at++) {
      if (!isLineEnd(text.charAt(at))) {
        continue;
      }
      int end = at;
      if (text.charAt(at) == '\r' && at + 1 < text.length() && text.charAt(at + 1) == '\n') {
        at++;
      }
      lines.add(text.substring(start, keepEnds ? at + 1 : end));
      start = at + 1;
    }
    if (start < text.length()) {
      lines.add(text.substring(start));
    }
    return lines;
  }

  /** {@code replace(old, replacement, most)}; an empty old text is between all characters. */
  static String replace(String text, String old, String replacement, int most, Budget budget) {
    StringBuilder made = new StringBuilder();
    int at = 0;
    int count = 0;
    while (most < 0 || count < most) {
      int found = text.indexOf(old, at);
      if (found < 0) {
        break;
      }
      made.append(text, at, found).append(replacement);
      at = found + old.length();
      count++;
      if (old.isEmpty()) {
        if (at >= text.length()) {
          break;
        }
        int next = text.offsetByCodePoints(at, 1);
        made.append(text, at, next);
        at = next;
      }
      if ((count & 63) == 0) {
        budget.spend(64 + 2L * replacement.length());
        budget.fits(made.length());
      }
    }
    budget.text((long) made.length() + text.length() - at);
    return made.append(text, Math.min(at, text.length()), text.length()).toString();
  }

  static String repeat(String text, long times, Budget budget) {
    long count = Math.max(0, times);
    if (text.isEmpty()) {
      return text;
    }
    budget.text(count > Integer.MAX_VALUE ? Long.MAX_VALUE / 2 : count * text.length());
    return text.repeat((int) count);
  }

  /** {@code capitalize}: the first character in title case, the others in lower case. */
  public static String capitalize(String text) {
    if (text.isEmpty()) {
      return text;
    }
    int first = Character.charCount(text.codePointAt(0));
    return titleCase(text.codePointAt(0)) + text.substring(first).toLowerCase(Locale.ROOT);
  }

  /** {@code str.title()}: a letter behind something without case is made large. */
  static String title(String text) {
    StringBuilder made = new StringBuilder();
    boolean isInside = false;
    for (int c : text.codePoints().toArray()) {
      made.append(isInside ? Character.toString(c).toLowerCase(Locale.ROOT) : titleCase(c));
      isInside = hasCase(c);
    }
    return made.toString();
  }

  private static String titleCase(int c) {
    String upper = Character.toString(c).toUpperCase(Locale.ROOT);
    // Letters such as ß become two in upper case, of which only the first stays large.
    return upper.codePointCount(0, upper.length()) > 1
        ? Character.toString(upper.codePointAt(0))
            + upper.substring(Character.charCount(upper.codePointAt(0))).toLowerCase(Locale.ROOT)
        : Character.toString(Character.toTitleCase(c));
  }

  static boolean hasCase(int c) {
    return Character.isUpperCase(c) || Character.isLowerCase(c) || Character.isTitleCase(c);
  }

  static String swapCase(String text) {
    StringBuilder made = new StringBuilder();
    for (int c : text.codePoints().toArray()) {
      String letter = Character.toString(c);
      made.append(
          Character.isUpperCase(c)
              ? letter.toLowerCase(Locale.ROOT)
              : letter.toUpperCase(Locale.ROOT));
    }
    return made.toString();
  }

  /** Order by code points, not by UTF-16 units. */
  static int compare(String left, String right) {
    int shared = Math.min(left.length(), right.length());
    for (int i = 0; i < shared; i++) {
      char a = left.charAt(i);
      char b = right.charAt(i);
      if (a != b) {
        boolean areBothOutside = Character.isSurrogate(a) == Character.isSurrogate(b);
        return areBothOutside ? a - b : Character.isSurrogate(a) ? 1 : -1;
      }
    }
    return left.length() - right.length();
  }

  /** markupsafe's {@code escape}. */
  static String escape(String text) {
    return text.replace("&", "&amp;")
        .replace(">", "&gt;")
        .replace("<", "&lt;")
        .replace("'", "&#39;")
        .replace("\"", "&#34;");
  }
}
