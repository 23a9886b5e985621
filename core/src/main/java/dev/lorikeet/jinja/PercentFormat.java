package dev.lorikeet.jinja;

import dev.lorikeet.jinja.Value.Dict;
import dev.lorikeet.jinja.Value.Int;
import dev.lorikeet.jinja.Value.Real;
import dev.lorikeet.jinja.Value.Seq;
import dev.lorikeet.jinja.Value.Str;
import dev.lorikeet.jinja.Value.Undefined;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** {@code "%s" % values}. */
final class PercentFormat {
  private static final Pattern FIELD =
      Pattern.compile(
          "%(?:\\(([^)]*)\\))?([-+ #0]*)(\\*|\\d{1,9})?(?:\\.(\\*|\\d{0,9}))?[hlL]?(.)?",
          Pattern.DOTALL);

  private final Str pattern;
  private final Value values;
  private final List<Value> inOrder;
  private final Budget budget;
  private int next;

  private PercentFormat(Str pattern, Value values, Budget budget) {
    this.pattern = pattern;
    this.values = values;
    this.inOrder = values instanceof Seq seq && !seq.isList() ? seq.items() : List.of(values);
    this.budget = budget;
  }

  static Value of(Str pattern, Value values, Budget budget) {
    return new PercentFormat(pattern, values, budget).made();
  }

  private Value made() {
    StringBuilder out = new StringBuilder();
    String text = pattern.text();
    Matcher field = FIELD.matcher(text);
    int at = 0;
    boolean hasNames = false;
    while (field.find(at)) {
      out.append(text, at, field.start());
      at = field.end();
      hasNames |= field.group(1) != null;
      String one = one(field);
      budget.text(one.length());
      budget.fits(out.append(one).length());
    }
    out.append(text, at, text.length());
    boolean isMapping = values instanceof Dict || (values instanceof Seq seq && seq.isList());
    if (next < inOrder.size() && !hasNames && !(isMapping && next == 0)) {
      throw PyError.type("not all arguments converted during string formatting");
    }
    budget.text(out.length());
    return pattern.with(out.toString());
  }

  private String one(Matcher field) {
    String conversion = field.group(5);
    if (conversion == null) {
      throw PyError.value("incomplete format");
    }
    if (conversion.equals("%")) {
      return "%";
    }
    String flags = field.group(2);
    int width = size(field.group(3), 0);
    int precision = size(field.group(4), -1);
    Value value = field.group(1) == null ? take() : named(field.group(1));
    boolean isText = "sra".contains(conversion);
    boolean isLeft = flags.contains("-") || width < 0;
    FormatSpec spec =
        new FormatSpec(
            flags.contains("0") && !isText && !isLeft ? "0" : " ",
            isLeft ? "<" : flags.contains("0") && !isText ? "=" : ">",
            flags.contains("+") ? "+" : flags.contains(" ") ? " " : "",
            flags.contains("#"),
            Math.abs(width),
            "",
            precision,
            isText ? "s" : conversion);
    return isText
        ? spec.format(Str.of(text(conversion, value)), budget)
        : number(spec, conversion, value, field.start(5));
  }

  private int size(@Nullable String written, int absent) {
    if (written == null) {
      return absent;
    }
    if (written.equals("*")) {
      return Args.Bound.integer(take());
    }
    return written.isEmpty() ? 0 : Integer.parseInt(written);
  }

  private Value take() {
    if (next >= inOrder.size()) {
      throw PyError.type("not enough arguments for format string");
    }
    return inOrder.get(next++);
  }

  private Value named(String name) {
    if (!(values instanceof Dict dict)) {
      throw PyError.type("format requires a mapping");
    }
    return dict.get(Str.of(name), budget)
        .orElseThrow(() -> new PyError(PyError.Kind.LOOKUP, Repr.quoted(name)));
  }

  private String text(String conversion, Value value) {
    String text = conversion.equals("s") ? Repr.str(value, budget) : Repr.repr(value, budget);
    boolean isSafe = value instanceof Str str && str.safe();
    return pattern.safe() && !isSafe ? Text.escape(text) : text;
  }

  private String number(FormatSpec spec, String conversion, Value value, int index) {
    if (conversion.equals("c") && value instanceof Str text) {
      if (text.text().codePointCount(0, text.text().length()) != 1) {
        throw PyError.type("%c requires int or char");
      }
      return new FormatSpec(" ", spec.align(), "", false, spec.width(), "", -1, "s")
          .format(value, budget);
    }
    if (!"diuoxXeEfFgGc".contains(conversion)) {
      throw PyError.value(
          "unsupported format character '%s' (0x%x) at index %d"
              .formatted(conversion, conversion.codePointAt(0), index));
    }
    if (value instanceof Undefined undefined) {
      throw undefined.error();
    }
    if (!Comparison.isNumber(value)) {
      throw PyError.type(
          "diu".contains(conversion)
              ? "%%%s format: a real number is required, not %s"
                  .formatted(conversion, value.typeName())
              : "eEfFgG".contains(conversion)
                  ? "must be real number, not " + value.typeName()
                  : "%%%s format: an integer is required, not %s"
                      .formatted(conversion, value.typeName()));
    }
    if ("eEfFgG".contains(conversion)) {
      return spec.real(Operators.toDouble(value));
    }
    BigInteger whole = whole(conversion, value);
    budget.integer(whole.bitLength());
    return spec.integer(whole);
  }

  private static BigInteger whole(String conversion, Value value) {
    if (value instanceof Real number) {
      if (!"diu".contains(conversion)) {
        throw PyError.type("%%%s format: an integer is required, not float".formatted(conversion));
      }
      if (!Double.isFinite(number.value())) {
        throw PyError.value("cannot convert float to integer");
      }
      return new BigDecimal(number.value()).toBigInteger();
    }
    return value instanceof Int number ? number.value() : Comparison.integer(value).orElseThrow();
  }
}
