package dev.lorikeet.jinja;

import dev.lorikeet.jinja.Value.Bool;
import dev.lorikeet.jinja.Value.Callable;
import dev.lorikeet.jinja.Value.Dict;
import dev.lorikeet.jinja.Value.Int;
import dev.lorikeet.jinja.Value.Namespace;
import dev.lorikeet.jinja.Value.None;
import dev.lorikeet.jinja.Value.Range;
import dev.lorikeet.jinja.Value.Real;
import dev.lorikeet.jinja.Value.Seq;
import dev.lorikeet.jinja.Value.Slice;
import dev.lorikeet.jinja.Value.Str;
import dev.lorikeet.jinja.Value.Stream;
import dev.lorikeet.jinja.Value.Undefined;
import dev.lorikeet.jinja.Value.View;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.List;

/** Python's {@code str()} and {@code repr()}. */
final class Repr {
  /** Python 3.11 refuses to print whole numbers of more digits. */
  private static final int MAX_DIGITS = 4300;

  private static final BigInteger TOO_MANY_DIGITS = BigInteger.TEN.pow(MAX_DIGITS);

  private final StringBuilder out = new StringBuilder();
  private final Budget budget;

  private Repr(Budget budget) {
    this.budget = budget;
  }

  static String str(Value value, Budget budget) {
    return switch (value) {
      case Str text -> text.text();
      case Undefined _ -> "";
      default -> repr(value, budget);
    };
  }

  static String repr(Value value, Budget budget) {
    Repr repr = new Repr(budget);
    repr.write(value);
    return repr.out.toString();
  }

  private void write(Value value) {
    budget.enter();
    int before = out.length();
    switch (value) {
      case None _ -> out.append("None");
      case Bool truth -> out.append(truth.isTrue() ? "True" : "False");
      case Int number -> {
        budget.integer(number.value().bitLength());
        out.append(integer(number.value()));
      }
      case Real number -> out.append(real(number.value()));
      case Str text ->
          out.append(text.safe() ? "Markup(" + quoted(text.text()) + ")" : quoted(text.text()));
      case Seq seq -> write(seq);
      case Dict dict -> write(dict);
      case View view -> {
        out.append(value.typeName()).append('(');
        writeItems("[", view.items(), "]");
        out.append(')');
      }
      case Range range -> out.append(range(range));
      case Stream stream -> out.append("<").append(stream.type()).append(" object>");
      case Undefined _ -> out.append("Undefined");
      case Namespace namespace -> write(namespace);
      case Slice _ -> out.append("slice");
      case Callable callable -> out.append(callable.text());
    }
    budget.text(out.length() - before);
    budget.fits(out.length());
    budget.leave();
  }

  private static String range(Range range) {
    String step = range.step() == 1 ? "" : ", " + range.step();
    return "range(" + range.start() + ", " + range.stop() + step + ")";
  }

  private void write(Seq seq) {
    if (seq.isList()) {
      writeItems("[", seq.items(), "]");
    } else {
      writeItems("(", seq.items(), seq.items().size() == 1 ? ",)" : ")");
    }
  }

  private void writeItems(String open, List<Value> items, String close) {
    out.append(open);
    String separator = "";
    for (Value item : items) {
      out.append(separator);
      write(item);
      separator = ", ";
    }
    out.append(close);
  }

  private void write(Dict dict) {
    out.append('{');
    String separator = "";
    for (Dict.Entry entry : dict.entries()) {
      out.append(separator);
      write(entry.key());
      out.append(": ");
      write(entry.value());
      separator = ", ";
    }
    out.append('}');
  }

  private void write(Namespace namespace) {
    out.append("<Namespace {");
    String[] separator = {""};
    namespace
        .attributes()
        .forEach((name, value) -> {
          out.append(separator[0]).append(quoted(name)).append(": ");
          write(value);
          separator[0] = ", ";
        });
    out.append("}>");
  }

  static String integer(BigInteger number) {
    if (number.abs().compareTo(TOO_MANY_DIGITS) >= 0) {
      throw PyError.value(
          "Exceeds the limit (" + MAX_DIGITS + " digits) for integer string conversion");
    }
    return number.toString();
  }

  /**
   * {@code repr} of a float: the fewest digits that give it back, an exponent from 16 digits on.
   */
  static String real(double number) {
    if (Double.isNaN(number)) {
      return "nan";
    }
    if (Double.isInfinite(number)) {
      return number > 0 ? "inf" : "-inf";
    }
    if (number == 0) {
      return 1 / number > 0 ? "0.0" : "-0.0";
    }
    BigDecimal decimal = new BigDecimal(Double.toString(number)).stripTrailingZeros();
    String digits = decimal.unscaledValue().abs().toString();
    int point = digits.length() - decimal.scale();
    String sign = number < 0 ? "-" : "";
    if (point > 16 || point <= -4) {
      int exponent = point - 1;
      String rest = digits.length() > 1 ? "." + digits.substring(1) : "";
      return sign
          + digits.charAt(0)
          + rest
          + (exponent < 0 ? "e-" : "e+")
          + (Math.abs(exponent) < 10 ? "0" : "")
          + Math.abs(exponent);
    }
    if (point <= 0) {
      return sign + "0." + "0".repeat(-point) + digits;
    }
    if (point >= digits.length()) {
      return sign + digits + "0".repeat(point - digits.length()) + ".0";
    }
    return sign + digits.substring(0, point) + "." + digits.substring(point);
  }

  /** {@code repr} of a str. */
  static String quoted(String text) {
    char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
    StringBuilder made = new StringBuilder().append(quote);
    text.codePoints()
        .forEach(c -> {
          switch (c) {
            case '\n' -> made.append("\\n");
            case '\r' -> made.append("\\r");
            case '\t' -> made.append("\\t");
            case '\\' -> made.append("\\\\");
            default -> {
              if (c == quote) {
                made.append('\\').append(quote);
              } else if (isPrintable(c)) {
                made.appendCodePoint(c);
              } else {
                made.append(escaped(c));
              }
            }
          }
        });
    return made.append(quote).toString();
  }

  /** {@code \xhh}, {@code \}{@code uhhhh} or {@code \Uhhhhhhhh}. */
  static String escaped(int c) {
    return c < 0x100
        ? "\\x%02x".formatted(c)
        : c < 0x10000 ? "\\u%04x".formatted(c) : "\\U%08x".formatted(c);
  }

  static boolean isPrintable(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      case Character.SPACE_SEPARATOR -> c == ' ';
      default -> true;
    };
  }
}
