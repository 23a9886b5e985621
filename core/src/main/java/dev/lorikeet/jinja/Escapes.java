package dev.lorikeet.jinja;

/** The backslashes of string literals as Python's {@code unicode-escape} reads them. */
final class Escapes {
  private final String text;
  private final StringBuilder made = new StringBuilder();
  private int at;

  private Escapes(String text) {
    this.text = text;
  }

  static String resolve(String text) {
    if (text.indexOf('\\') < 0) {
      return text;
    }
    Escapes escapes = new Escapes(text);
    while (escapes.at < text.length()) {
      char c = text.charAt(escapes.at++);
      if (c == '\\') {
        escapes.escape();
      } else {
        escapes.made.append(c);
      }
    }
    return escapes.made.toString();
  }

  private void escape() {
    if (at >= text.length()) {
      throw new PyError(PyError.Kind.SYNTAX, "\\ at end of string");
    }
    int c = text.codePointAt(at);
    at += Character.charCount(c);
    switch (c) {
      case '\n' -> {}
      case '\\', '\'', '"' -> made.appendCodePoint(c);
      case 'a' -> made.append('\u0007');
      case 'b' -> made.append('\b');
      case 'f' -> made.append('\f');
      case 'n' -> made.append('\n');
      case 'r' -> made.append('\r');
      case 't' -> made.append('\t');
      case 'v' -> made.append('\u000b');
      case 'x' -> hexadecimal(2, "truncated \\xXX escape");
      case 'u' -> hexadecimal(4, "truncated \\uXXXX escape");
      case 'U' -> hexadecimal(8, "truncated \\UXXXXXXXX escape");
      case 'N' -> named();
      case '0', '1', '2', '3', '4', '5', '6', '7' -> octal();
      default -> {
        // jinja2 writes other characters as escapes first, of which the backslash is then taken.
        made.append('\\').append(c < 128 ? Character.toString(c) : Repr.escaped(c).substring(1));
      }
    }
  }

  private void hexadecimal(int digits, String problem) {
    int end = at;
    while (end < text.length() && end < at + digits && Character.digit(text.charAt(end), 16) >= 0) {
      end++;
    }
    if (end < at + digits) {
      throw new PyError(PyError.Kind.SYNTAX, problem);
    }
    long code = Long.parseLong(text.substring(at, end), 16);
    if (code > Character.MAX_CODE_POINT) {
      throw new PyError(PyError.Kind.SYNTAX, "illegal Unicode character");
    }
    made.appendCodePoint((int) code);
    at = end;
  }

  private void octal() {
    int end = at;
    while (end < text.length()
        && end < at + 2
        && text.charAt(end) >= '0'
        && text.charAt(end) < '8') {
      end++;
    }
    made.appendCodePoint(Integer.parseInt(text.substring(at - 1, end), 8));
    at = end;
  }

  private void named() {
    int end = text.indexOf('}', at);
    if (at >= text.length() || text.charAt(at) != '{' || end < 0) {
      throw new PyError(PyError.Kind.SYNTAX, "malformed \\N character escape");
    }
    try {
      made.appendCodePoint(Character.codePointOf(text.substring(at + 1, end)));
    } catch (IllegalArgumentException unknown) {
      throw new PyError(PyError.Kind.SYNTAX, "unknown Unicode character name");
    }
    at = end + 1;
  }
}
