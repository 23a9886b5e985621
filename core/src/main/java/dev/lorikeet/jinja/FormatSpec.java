package dev.lorikeet.jinja;

import dev.lorikeet.jinja.Value.Bool;
import dev.lorikeet.jinja.Value.Int;
import dev.lorikeet.jinja.Value.Real;
import dev.lorikeet.jinja.Value.Str;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How a value is written in a field of {@code format()} or behind a percent sign.
 *
 * @param fill what fills the field up
 * @param align "<", ">", "^" or "="; empty for what the type does by itself
 * @param sign "+", "-" or " "
 * @param isAlternate whether "#" is there
 * @param width fewest characters
 * @param grouping "," or "_" between thousands, or empty
 * @param precision digits behind the point, or most characters of a text; negative: not given
 * @param type "d", "f", "s" and so on; empty: the one of the value
 */
record FormatSpec(
    String fill,
    String align,
    String sign,
    boolean isAlternate,
    int width,
    String grouping,
    int precision,
    String type) {
  private static final int MOST = 10_000;
  private static final Pattern SYNTAX =
      Pattern.compile(
          "(?:(.)?([<>=^]))?([-+ ])?(#)?(0)?(\\d{1,9})?([,_])?(?:\\.(\\d{1,9}))?([a-zA-Z%])?",
          Pattern.DOTALL);

  FormatSpec {
    if (width > MOST || precision > MOST) {
      throw PyError.value("a field wider than " + MOST + " characters is not allowed");
    }
  }

  static FormatSpec parse(String spec) {
    Matcher match = SYNTAX.matcher(spec);
    if (!match.matches()) {
      throw PyError.value("Invalid format specifier '" + spec + "'");
    }
    boolean isZero = match.group(5) != null;
    String align = text(match, 2);
    String fill = text(match, 1);
    return new FormatSpec(
        fill.isEmpty() ? isZero && align.isEmpty() ? "0" : " " : fill,
        align.isEmpty() && isZero ? "=" : align,
        text(match, 3),
        match.group(4) != null,
        number(match, 6, 0),
        text(match, 7),
        number(match, 8, -1),
        text(match, 9));
  }

  private static String text(Matcher match, int group) {
    String text = match.group(group);
    return text == null ? "" : text;
  }

  private static int number(Matcher match, int group, int absent) {
    String text = match.group(group);
    return text == null ? absent : Integer.parseInt(text);
  }

  /** {@code format(value, spec)}. */
  String format(Value value, Budget budget) {
    budget.text(width + Math.max(0, precision));
    return switch (value) {
      case Bool truth when type.isEmpty() || type.equals("s") ->
          pad(truncated(truth.isTrue() ? "True" : "False"), "<");
      case Bool truth -> integer(BigInteger.valueOf(truth.number()));
      case Int number -> {
        budget.integer(number.value().bitLength());
        yield integer(number.value());
      }
      case Real number -> real(number.value());
      case Str text -> {
        if (!type.isEmpty() && !type.equals("s")) {
          throw PyError.value("Unknown format code '" + type + "' for object of type 'str'");
        }
        yield pad(truncated(text.text()), "<");
      }
      default -> {
        if (!equals(parse(""))) {
          throw PyError.type(
              "unsupported format string passed to " + value.typeName() + ".__format__");
        }
        yield Repr.str(value, budget);
      }
    };
  }

  private String truncated(String text) {
    boolean isLong = precision >= 0 && text.codePointCount(0, text.length()) > precision;
    return isLong ? text.substring(0, text.offsetByCodePoints(0, precision)) : text;
  }

  String integer(BigInteger number) {
    String magnitude =
        switch (type) {
          case "", "d", "n", "i", "u" -> Repr.integer(number.abs());
          case "x" -> (isAlternate ? "0x" : "") + number.abs().toString(16);
          case "X" ->
              (isAlternate ? "0X" : "") + number.abs().toString(16).toUpperCase(Locale.ROOT);
          case "o" -> (isAlternate ? "0o" : "") + number.abs().toString(8);
          case "b" -> (isAlternate ? "0b" : "") + number.abs().toString(2);
          case "c" -> character(number);
          case "e", "E", "f", "F", "g", "G", "%" -> "";
          default ->
              throw PyError.value("Unknown format code '" + type + "' for object of type 'int'");
        };
    if (magnitude.isEmpty()) {
      return real(number.doubleValue());
    }
    boolean isDecimal = Character.isDigit(magnitude.charAt(0)) && !type.equals("c");
    return number(number.signum() < 0, isDecimal ? grouped(magnitude) : magnitude);
  }

  private static String character(BigInteger number) {
    if (number.bitLength() > 31 || !Character.isValidCodePoint(number.intValue())) {
      throw PyError.value("%c arg not in range(0x110000)");
    }
    return Character.toString(number.intValue());
  }

  String real(double number) {
    boolean isNegative = number < 0 || (number == 0 && 1 / number < 0);
    double size = Math.abs(number);
    if (!Double.isFinite(size)) {
      String name = Double.isNaN(size) ? "nan" : "inf";
      return number(isNegative, type.matches("[A-Z]") ? name.toUpperCase(Locale.ROOT) : name);
    }
    int digits = precision < 0 ? 6 : precision;
    String text =
        switch (type) {
          case "" -> precision < 0 ? Repr.real(size) : general(size, digits, true);
          case "f", "F" -> fixed(size, digits);
          case "e" -> exponent(size, digits);
          case "E" -> exponent(size, digits).toUpperCase(Locale.ROOT);
          case "g", "n" -> general(size, digits, false);
          case "G" -> general(size, digits, false).toUpperCase(Locale.ROOT);
          case "%" -> fixed(size * 100, digits) + "%";
          default ->
              throw PyError.value("Unknown format code '" + type + "' for object of type 'float'");
        };
    return number(isNegative, grouped(text));
  }

  private static String fixed(double size, int digits) {
    return new BigDecimal(size).setScale(digits, RoundingMode.HALF_EVEN).toPlainString();
  }

  private static String exponent(double size, int digits) {
    BigDecimal decimal =
        new BigDecimal(size).round(new MathContext(digits + 1, RoundingMode.HALF_EVEN));
    String unscaled = decimal.unscaledValue().toString();
    int power = decimal.signum() == 0 ? 0 : unscaled.length() - 1 - decimal.scale();
    String padded = (unscaled + "0".repeat(digits + 1)).substring(0, digits + 1);
    return padded.charAt(0)
        + (digits > 0 ? "." + padded.substring(1) : "")
        + (power < 0 ? "e-" : "e+")
        + "%02d".formatted(Math.abs(power));
  }

  private String general(double size, int digits, boolean keepsPoint) {
    int significant = Math.max(1, digits);
    String scientific = exponent(size, significant - 1);
    int power = Integer.parseInt(scientific.substring(scientific.indexOf('e') + 1));
    boolean isSmall = power >= -4 && power < (keepsPoint ? significant - 1 : significant);
    String text =
        isSmall || size == 0 ? fixed(size, Math.max(0, significant - 1 - power)) : scientific;
    String tail = text.contains("e") ? text.substring(text.indexOf('e')) : "";
    String head = text.substring(0, text.length() - tail.length());
    if (head.contains(".") && !isAlternate) {
      head = head.replaceAll("0+$", "").replaceAll("\\.$", "");
    }
    return head + (keepsPoint && tail.isEmpty() && !head.contains(".") ? ".0" : "") + tail;
  }

  private String grouped(String digits) {
    if (grouping.isEmpty()) {
      return digits;
    }
    int end = 0;
    while (end < digits.length() && Character.isDigit(digits.charAt(end))) {
      end++;
    }
    StringBuilder made = new StringBuilder(digits);
    for (int at = end - 3; at > 0; at -= 3) {
      made.insert(at, grouping);
    }
    return made.toString();
  }

  private String number(boolean isNegative, String magnitude) {
    String shown = isNegative ? "-" : sign.equals("-") ? "" : sign;
    if (align.equals("=")) {
      int missing = width - shown.length() - magnitude.length();
      return shown + fill.repeat(Math.max(0, missing)) + magnitude;
    }
    return pad(shown + magnitude, ">");
  }

  private String pad(String text, String usual) {
    int missing = Math.max(0, width - text.codePointCount(0, text.length()));
    int left =
        switch (align.isEmpty() || align.equals("=") ? usual : align) {
          case "<" -> 0;
          case ">" -> missing;
          default -> missing / 2;
        };
    return fill.repeat(left) + text + fill.repeat(missing - left);
  }
}
