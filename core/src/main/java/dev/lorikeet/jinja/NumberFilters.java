package dev.lorikeet.jinja;

import dev.lorikeet.jinja.Args.Bound;
import dev.lorikeet.jinja.Filters.Filter;
import dev.lorikeet.jinja.PyError.Kind;
import dev.lorikeet.jinja.Value.Int;
import dev.lorikeet.jinja.Value.Real;
import dev.lorikeet.jinja.Value.Str;
import dev.lorikeet.jinja.Value.Undefined;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/** Filters that make numbers. */
final class NumberFilters {
  private static final int MOST_DIGITS = 4300;
  private static final Pattern FLOAT =
      Pattern.compile(
          "[-+]?(?:\\d++(?:_\\d++)*+(?:\\.(?:\\d++(?:_\\d++)*+)?)?|\\.\\d++(?:_\\d++)*+)"
              + "(?:[eE][-+]?\\d++(?:_\\d++)*+)?");
  private static final Pattern FLOAT_NAME = Pattern.compile("[-+]?(inf|infinity|nan)");
  private static final Pattern DIGITS = Pattern.compile("[0-9a-z]++(?:_[0-9a-z]++)*+");

  private NumberFilters() {}

  static void addTo(Map<String, Filter> all) {
    all.put("int", NumberFilters::integer);
    all.put(
        "float",
        (value, args, execution) -> {
          Bound bound = args.bind("float", "default");
          try {
            return new Real(toFloat(value, execution));
          } catch (PyError failure) {
            return fallback(failure, bound.or(0, new Real(0)), Kind.TYPE, Kind.VALUE);
          }
        });
    all.put(
        "abs",
        (value, args, execution) -> {
          args.bind("abs");
          if (value instanceof Undefined || !Comparison.isNumber(value)) {
            throw PyError.type("bad operand type for abs(): '" + value.typeName() + "'");
          }
          return value instanceof Real number
              ? new Real(Math.abs(number.value()))
              : new Int(Comparison.integer(value).orElseThrow().abs());
        });
    all.put("round", NumberFilters::round);
  }

  private static Value fallback(PyError failure, Value fallback, Kind... caught) {
    for (Kind kind : caught) {
      if (failure.kind() == kind) {
        return fallback;
      }
    }
    throw failure;
  }

  private static Value integer(Value value, Args args, Execution execution) {
    Bound bound = args.bind("int", "default", "base");
    Value fallback = bound.or(0, Int.of(0));
    try {
      return new Int(
          value instanceof Str text
              ? parsed(text.text(), bound.integer(1, 10), execution)
              : truncated(value));
    } catch (PyError failure) {
      fallback(failure, fallback, Kind.TYPE, Kind.VALUE);
    }
    try {
      return new Int(truncated(new Real(toFloat(value, execution))));
    } catch (PyError failure) {
      return fallback(failure, fallback, Kind.TYPE, Kind.VALUE, Kind.ARITHMETIC);
    }
  }

  private static BigInteger truncated(Value value) {
    if (value instanceof Real number) {
      if (Double.isNaN(number.value())) {
        throw PyError.value("cannot convert float NaN to integer");
      }
      if (Double.isInfinite(number.value())) {
        throw new PyError(Kind.ARITHMETIC, "cannot convert float infinity to integer");
      }
      return new BigDecimal(number.value()).toBigInteger();
    }
    if (value instanceof Undefined undefined) {
      throw undefined.error();
    }
    return Comparison.integer(value)
        .orElseThrow(() ->
            PyError.type(
                "int() argument must be a string, a bytes-like object or a real number, not '"
                    + value.typeName()
                    + "'"));
  }

  private static BigInteger parsed(String written, int base, Execution execution) {
    String text = Text.strip(written, Text::isSpace).toLowerCase(Locale.ROOT);
    String digits = text.startsWith("-") || text.startsWith("+") ? text.substring(1) : text;
    String prefix = digits.length() > 2 ? digits.substring(0, 2) : "";
    int marked =
        switch (prefix) {
          case "0x" -> 16;
          case "0o" -> 8;
          case "0b" -> 2;
          default -> 0;
        };
    int radix = base == 0 ? marked == 0 ? 10 : marked : base;
    if (marked != 0 && radix == marked) {
      digits = digits.substring(2);
      digits = digits.startsWith("_") ? digits.substring(1) : digits;
    }
    boolean isValid =
        radix >= 2
            && radix <= 36
            && digits.length() <= MOST_DIGITS
            && DIGITS.matcher(digits).matches();
    execution.budget().spend(1 + digits.length());
    try {
      if (isValid) {
        BigInteger number = new BigInteger(digits.replace("_", ""), radix);
        return text.startsWith("-") ? number.negate() : number;
      }
    } catch (NumberFormatException wrongDigit) {
      isValid = false;
    }
    throw PyError.value("invalid literal for int() with base " + base);
  }

  /** Python's {@code float()}. */
  static double toFloat(Value value, Execution execution) {
    if (value instanceof Undefined undefined) {
      throw undefined.error();
    }
    if (Comparison.isNumber(value)) {
      return Operators.toDouble(value);
    }
    if (!(value instanceof Str written)) {
      throw PyError.type(
          "float() argument must be a string or a real number, not '" + value.typeName() + "'");
    }
    String text = Text.strip(written.text(), Text::isSpace);
    execution.budget().spend(1 + text.length() / 8);
    String lower = text.length() > 10 ? "" : text.toLowerCase(Locale.ROOT);
    if (FLOAT_NAME.matcher(lower).matches()) {
      double size = lower.endsWith("nan") ? Double.NaN : Double.POSITIVE_INFINITY;
      return lower.startsWith("-") ? -size : size;
    }
    if (text.length() > MOST_DIGITS || !FLOAT.matcher(text).matches()) {
      throw PyError.value("could not convert string to float: " + Repr.quoted(text));
    }
    return Double.parseDouble(text.replace("_", ""));
  }

  private static Value round(Value value, Args args, Execution execution) {
    Bound bound = args.bind("round", "precision", "method");
    int precision = bound.integer(0, 0);
    String method = bound.find(1).isPresent() ? bound.text(1) : "common";
    if (value instanceof Undefined || !Comparison.isNumber(value)) {
      throw PyError.type("type " + value.typeName() + " doesn't define __round__ method");
    }
    if (Math.abs((long) precision) > 1000) {
      throw PyError.value("round: a precision of " + precision + " is out of range");
    }
    return switch (method) {
      case "common" -> rounded(value, precision, execution);
      case "ceil", "floor" -> {
        double factor = Math.pow(10, precision);
        double scaled = Operators.toDouble(value) * factor;
        yield new Real((method.equals("ceil") ? Math.ceil(scaled) : Math.floor(scaled)) / factor);
      }
      default -> throw PyError.value("method must be common, ceil or floor");
    };
  }

  private static Value rounded(Value value, int precision, Execution execution) {
    Optional<BigInteger> whole = Comparison.integer(value);
    if (whole.isPresent()) {
      execution.budget().integer(whole.get().bitLength());
      return precision >= 0
          ? new Int(whole.get())
          : new Int(
              new BigDecimal(whole.get())
                  .setScale(precision, RoundingMode.HALF_EVEN)
                  .toBigInteger());
    }
    double number = Operators.toDouble(value);
    if (!Double.isFinite(number) || precision > 400) {
      return value;
    }
    double rounded =
        new BigDecimal(number).setScale(precision, RoundingMode.HALF_EVEN).doubleValue();
    return new Real(Math.copySign(rounded, number));
  }
}
