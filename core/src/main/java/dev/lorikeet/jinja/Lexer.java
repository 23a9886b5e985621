package dev.lorikeet.jinja;

import dev.lorikeet.error.TemplateException;
import dev.lorikeet.jinja.Token.Kind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Cuts a template into tokens as jinja2's lexer does with {@code trim_blocks} and {@code
 * lstrip_blocks}: a line end behind a block is dropped, and so is white space from the begin of a
 * line to a block. One line end at the end of the template is dropped too.
 */
final class Lexer {
  private static final int SPACES = Pattern.UNICODE_CHARACTER_CLASS;

  /** Numbers, the longest first; a digit may be followed by an underscore. */
  private static final Pattern FLOAT =
      Pattern.compile(
          "(?<!\\.)\\d++(?:_\\d++)*+(?:(?:\\.\\d++(?:_\\d++)*+)?[eE][+-]?\\d++(?:_\\d++)*+"
              + "|\\.\\d++(?:_\\d++)*+)");

  private static final Pattern INTEGER =
      Pattern.compile(
          "0[bB](?:_?[01])++|0[oO](?:_?[0-7])++|0[xX](?:_?[0-9a-fA-F])++"
              + "|[1-9](?:_?\\d)*+|0(?:_?0)*+");

  private static final List<String> OPERATORS =
      List.of(
          "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{",
          "}", ">", "<", "=", ".", ":", "|", ",", ";");

  private static final Pattern RAW_BEGIN =
      Pattern.compile("\\{%([-+]?)\\s*raw\\s*(?:-%\\}\\s*|%\\})", SPACES);
  private static final Pattern RAW_END =
      Pattern.compile("\\{%([-+]?)\\s*endraw\\s*(?:\\+%\\}|-%\\}\\s*|%\\}\\n?)", SPACES);
  private static final Pattern COMMENT_END = Pattern.compile("\\+#\\}|-#\\}\\s*|#\\}\\n?", SPACES);
  private static final Pattern BLOCK_END = Pattern.compile("\\+%\\}|-%\\}\\s*|%\\}\\n?", SPACES);
  private static final Pattern VARIABLE_END = Pattern.compile("-\\}\\}\\s*|\\}\\}", SPACES);

  private final String name;
  private final String source;
  private final List<Token> tokens = new ArrayList<>();
  private final Deque<Character> open = new ArrayDeque<>();
  private int at;
  private int line = 1;

  private Lexer(String name, String source) {
    this.name = name;
    String lines = source.replace("\r\n", "\n").replace('\r', '\n');
    this.source = lines.endsWith("\n") ? lines.substring(0, lines.length() - 1) : lines;
  }

  /** The tokens of {@code source}, the last one being {@link Kind#END}. */
  static List<Token> tokens(String name, String source) {
    Lexer lexer = new Lexer(name, source);
    lexer.data();
    lexer.add(Kind.END, "");
    return lexer.tokens;
  }

  static boolean isIdentifier(String text) {
    return !text.isEmpty()
        && (Character.isUnicodeIdentifierStart(text.codePointAt(0)) || text.charAt(0) == '_')
        && text.codePoints()
            .allMatch(
                c -> Character.isUnicodeIdentifierPart(c) && !Character.isIdentifierIgnorable(c));
  }

  private void data() {
    while (at < source.length()) {
      int tag = tag(at);
      if (tag < 0) {
        add(Kind.DATA, source.substring(at));
        return;
      }
      Matcher raw = matcher(RAW_BEGIN, tag);
      if (raw.lookingAt()) {
        text(tag, raw.group(1), true);
        advance(raw.end());
        raw();
        continue;
      }
      char kind = source.charAt(tag + 1);
      String sign = tag + 2 < source.length() ? sign(source.charAt(tag + 2)) : "";
      text(tag, sign, kind != '{');
      advance(tag + 2 + sign.length());
      switch (kind) {
        case '#' -> comment();
        case '%' -> inside(Kind.BLOCK_BEGIN, Kind.BLOCK_END, BLOCK_END);
        default -> inside(Kind.VARIABLE_BEGIN, Kind.VARIABLE_END, VARIABLE_END);
      }
    }
  }

  private static String sign(char c) {
    return c == '-' || c == '+' ? String.valueOf(c) : "";
  }

  /** Where the next tag begins; negative where there is none. */
  private int tag(int from) {
    for (int i = source.indexOf('{', from); i >= 0; i = source.indexOf('{', i + 1)) {
      if (i + 1 < source.length() && "%{#".indexOf(source.charAt(i + 1)) >= 0) {
        return i;
      }
    }
    return -1;
  }

  /** Adds the text from here to {@code end}, stripped as the tag there wants it. */
  private void text(int end, String sign, boolean isBlock) {
    String text = source.substring(at, end);
    if (sign.equals("-")) {
      text = Text.stripEnd(text, Text::isSpace);
    } else if (!sign.equals("+") && isBlock) {
      int lineStart = text.lastIndexOf('\n') + 1;
      boolean beginsLine = lineStart > 0 || at == 0 || source.charAt(at - 1) == '\n';
      if (beginsLine && text.substring(lineStart).codePoints().allMatch(Text::isSpace)) {
        text = text.substring(0, lineStart);
      }
    }
    if (!text.isEmpty()) {
      add(Kind.DATA, text);
    }
    advance(end);
  }

  private void raw() {
    Matcher end = matcher(RAW_END, at);
    if (!end.find()) {
      throw failure("Missing end of raw directive");
    }
    text(end.start(), end.group(1), true);
    advance(end.end());
  }

  private void comment() {
    Matcher end = matcher(COMMENT_END, at);
    if (!end.find()) {
      throw failure("Missing end of comment tag");
    }
    advance(end.end());
  }

  private void inside(Kind begin, Kind end, Pattern closing) {
    add(begin, "");
    while (at < source.length()) {
      Matcher close = matcher(closing, at);
      if (open.isEmpty() && close.lookingAt()) {
        add(end, "");
        advance(close.end());
        return;
      }
      if (Text.isSpace(source.charAt(at))) {
        advance(at + 1);
      } else {
        token();
      }
    }
  }

  private void token() {
    char c = source.charAt(at);
    Matcher number = matcher(FLOAT, at);
    if (number.lookingAt()) {
      add(Kind.FLOAT, number.group().replace("_", ""));
      advance(number.end());
      return;
    }
    number = matcher(INTEGER, at);
    if (number.lookingAt()) {
      add(Kind.INTEGER, number.group().replace("_", ""));
      advance(number.end());
      return;
    }
    int end = at;
    while (end < source.length() && isWord(source.codePointAt(end))) {
      end += Character.charCount(source.codePointAt(end));
    }
    if (end > at) {
      String word = source.substring(at, end);
      if (!isIdentifier(word)) {
        throw failure("Invalid character in identifier " + Repr.quoted(word));
      }
      add(Kind.NAME, word);
      advance(end);
    } else if (c == '"' || c == '\'') {
      string(c);
    } else {
      operator();
    }
  }

  private static boolean isWord(int c) {
    return Character.isLetterOrDigit(c)
        || c == '_'
        || (Character.isUnicodeIdentifierPart(c) && !Character.isIdentifierIgnorable(c));
  }

  private void string(char quote) {
    int end = at + 1;
    while (end < source.length() && source.charAt(end) != quote) {
      end += source.charAt(end) == '\\' ? 2 : 1;
    }
    if (end >= source.length()) {
      throw unexpected(quote, ": a string without end");
    }
    try {
      add(Kind.STRING, Escapes.resolve(source.substring(at + 1, end)));
    } catch (PyError wrong) {
      throw failure(wrong.text());
    }
    advance(end + 1);
  }

  private void operator() {
    for (String operator : OPERATORS) {
      if (source.startsWith(operator, at)) {
        balance(operator.charAt(0));
        add(Kind.OPERATOR, operator);
        advance(at + operator.length());
        return;
      }
    }
    throw unexpected(source.codePointAt(at), "");
  }

  private void balance(char c) {
    switch (c) {
      case '(' -> open.push(')');
      case '[' -> open.push(']');
      case '{' -> open.push('}');
      case ')', ']', '}' -> {
        if (open.isEmpty()) {
          throw failure("unexpected '" + c + "'");
        }
        char expected = open.pop();
        if (expected != c) {
          throw failure("unexpected '" + c + "', expected '" + expected + "'");
        }
      }
      default -> {}
    }
  }

  private Matcher matcher(Pattern pattern, int from) {
    Matcher matcher = pattern.matcher(source);
    matcher.region(from, source.length());
    matcher.useTransparentBounds(true);
    return matcher;
  }

  private void add(Kind kind, String text) {
    tokens.add(new Token(kind, text, line));
  }

  private void advance(int end) {
    for (int i = at; i < end; i++) {
      if (source.charAt(i) == '\n') {
        line++;
      }
    }
    at = end;
  }

  private TemplateException unexpected(int c, String more) {
    return failure(
        "unexpected char %s at %d%s"
            .formatted(Repr.quoted(Character.toString(c)), source.codePointCount(0, at), more));
  }

  private TemplateException failure(String problem) {
    return new TemplateException(name, line, problem);
  }
}
