package dev.lorikeet.cli;

import java.util.Locale;

/** Text in which every character can be seen. */
final class VisibleText {
  private static final char SPACE = '\u2423';

  private VisibleText() {}

  /**
   * Spaces become U+2423; line ends, tabs and everything else that shows nothing by itself what
   * JavaScript writes for them: a backslash and n, r, t, or u and the number in braces.
   */
  static String of(String text) {
    StringBuilder visible = new StringBuilder();
    text.codePoints().forEach(c -> append(visible, c));
    return visible.toString();
  }

  private static void append(StringBuilder visible, int c) {
    switch (c) {
      case ' ' -> visible.append(SPACE);
      case '\n' -> visible.append("\\n");
      case '\r' -> visible.append("\\r");
      case '\t' -> visible.append("\\t");
      default -> {
        if (isHidden(c)) {
          visible.append("\\u{").append(Integer.toHexString(c).toUpperCase(Locale.ROOT));
          visible.append('}');
        } else {
          visible.appendCodePoint(c);
        }
      }
    }
  }

  private static boolean isHidden(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SPACE_SEPARATOR,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.PRIVATE_USE,
          Character.SURROGATE,
          Character.UNASSIGNED ->
          true;
      default -> false;
    };
  }
}
