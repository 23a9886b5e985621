package dev.lorikeet.metric;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.text.Normalizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A number as people write it, exact: numerator / denominator, and whether a percent sign follows.
 *
 * <p>Understood are signs (also − and –), currency signs before or behind the sign, groups of three
 * digits with comma, apostrophe or no-break space, a decimal part, exponents of up to three digits,
 * fractions (3/4, ¾), whole numbers with a fraction (1 3/4, 1¾), and % or "percent". With {@link
 * Decimal#COMMA} comma and point change places. A number inside a word, as in {@code v2}, is none.
 */
record Quantity(BigInteger numerator, BigInteger denominator, Unit unit) {
  private static final BigInteger HUNDRED = BigInteger.valueOf(100);

  /** What stands behind the number. */
  enum Unit {
    NONE,
    PERCENT
  }

  /** What separates whole and decimal part. */
  enum Decimal {
    POINT,
    COMMA
  }

  private static final Pattern WITH_POINT = pattern("\\.", ",");
  private static final Pattern WITH_COMMA = pattern(",", "\\.");

  private static Pattern pattern(String decimal, String thousands) {
    String digits = "\\d{1,3}(?:[" + thousands + "'’\\u00A0\\u202F]\\d{3})+(?!\\d)|\\d+";
    return Pattern.compile(
        "(?<![\\p{L}\\p{N}_])(?<!\\d[.,])"
            + "(?<currency>\\p{Sc}\\s?)?(?<sign>(?<![\\p{L}\\p{N})])[-+−–])?\\p{Sc}?\\s?"
            + "(?:(?:(?<whole>\\d+)\\s+)?(?<top>\\d+)\\s?[/⁄]\\s?(?<bottom>\\d+)(?![/⁄]?\\d)"
            + ("|(?<digits>" + digits + ")?(?:" + decimal + "(?<decimals>\\d+))?")
            + "(?:[eE](?<exponent>[-+−]?\\d{1,3})(?!\\d))?)"
            + "(?<percent>\\s?%|\\s?percent\\b|\\s?per cent\\b)?");
  }

  /** The numbers in {@code text}, in their order. */
  static List<Quantity> all(String text, Decimal decimal) {
    List<Quantity> found = new ArrayList<>();
    Matcher matcher =
        (decimal == Decimal.POINT ? WITH_POINT : WITH_COMMA).matcher(spelledFractions(text));
    while (matcher.find()) {
      read(matcher).ifPresent(found::add);
    }
    return found;
  }

  private static Optional<Quantity> read(Matcher matcher) {
    String sign = matcher.group("sign");
    boolean negative = sign != null && !sign.equals("+");
    Unit unit = matcher.group("percent") == null ? Unit.NONE : Unit.PERCENT;
    if (matcher.group("top") != null) {
      BigInteger bottom = new BigInteger(matcher.group("bottom"));
      String whole = matcher.group("whole");
      BigInteger top = new BigInteger(matcher.group("top"));
      BigInteger all = whole == null ? top : top.add(bottom.multiply(new BigInteger(whole)));
      return bottom.signum() == 0
          ? Optional.empty()
          : Optional.of(new Quantity(negative ? all.negate() : all, bottom, unit));
    }
    String digits = matcher.group("digits");
    String decimals = matcher.group("decimals");
    if (digits == null && decimals == null) {
      return Optional.empty();
    }
    String exponent = matcher.group("exponent");
    BigDecimal value =
        new BigDecimal(
            (digits == null ? "0" : digits.replaceAll("\\D", ""))
                + (decimals == null ? "" : "." + decimals)
                + (exponent == null ? "" : "E" + exponent.replace('−', '-')));
    return Optional.of(of(negative ? value.negate() : value, unit));
  }

  private static Quantity of(BigDecimal value, Unit unit) {
    return value.scale() <= 0
        ? new Quantity(value.toBigIntegerExact(), BigInteger.ONE, unit)
        : new Quantity(value.unscaledValue(), BigInteger.TEN.pow(value.scale()), unit);
  }

  /** {@code ½} becomes {@code 1/2}: a number before it is its whole part. */
  private static String spelledFractions(String text) {
    var spelled = new StringBuilder(text.length());
    text.codePoints()
        .forEach(c -> {
          String plain = Normalizer.normalize(Character.toString(c), Normalizer.Form.NFKC);
          if (Character.getType(c) == Character.OTHER_NUMBER && plain.indexOf('⁄') > 0) {
            spelled.append(' ').append(plain);
          } else {
            spelled.appendCodePoint(c);
          }
        });
    return spelled.toString();
  }

  /** The number with its percent sign worked out: 45 % is 0.45. */
  Quantity asShare() {
    return unit == Unit.PERCENT
        ? new Quantity(numerator, denominator.multiply(HUNDRED), Unit.NONE)
        : this;
  }

  /**
   * Whether |this − expected| ≤ max(absolute, relative·|expected|), computed exactly; percent signs
   * are not looked at.
   */
  boolean isNear(Quantity expected, BigDecimal absolute, BigDecimal relative) {
    BigInteger common = denominator.multiply(expected.denominator);
    BigDecimal distance =
        new BigDecimal(
            numerator
                .multiply(expected.denominator)
                .subtract(expected.numerator.multiply(denominator))
                .abs());
    BigDecimal size = new BigDecimal(expected.numerator.abs().multiply(denominator));
    return distance.compareTo(absolute.multiply(new BigDecimal(common))) <= 0
        || distance.compareTo(relative.multiply(size)) <= 0;
  }
}
