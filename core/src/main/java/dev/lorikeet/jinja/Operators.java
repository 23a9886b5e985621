package dev.lorikeet.jinja;

import dev.lorikeet.jinja.PyError.Kind;
import dev.lorikeet.jinja.Value.Int;
import dev.lorikeet.jinja.Value.Real;
import dev.lorikeet.jinja.Value.Seq;
import dev.lorikeet.jinja.Value.Str;
import dev.lorikeet.jinja.Value.Undefined;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Python's arithmetic. */
final class Operators {
  private Operators() {}

  static Value binary(String operator, Value left, Value right, Budget budget) {
    if (operator.equals("%") && left instanceof Str pattern) {
      return PercentFormat.of(pattern, right, budget);
    }
    if (left instanceof Undefined undefined) {
      throw undefined.error();
    }
    if (right instanceof Undefined undefined) {
      throw undefined.error();
    }
    if (Comparison.isNumber(left) && Comparison.isNumber(right)) {
      return numeric(operator, left, right, budget);
    }
    Optional<Value> made =
        switch (operator) {
          case "+" -> added(left, right, budget);
          case "*" -> repeated(left, right, budget);
          default -> Optional.empty();
        };
    return made.orElseThrow(() -> unsupported(operator, left, right));
  }

  private static PyError unsupported(String operator, Value left, Value right) {
    String symbol = operator.equals("**") ? "** or pow()" : operator;
    return PyError.type(
        "unsupported operand type(s) for %s: '%s' and '%s'"
            .formatted(symbol, left.typeName(), right.typeName()));
  }

  private static Optional<Value> added(Value left, Value right, Budget budget) {
    if (left instanceof Str a) {
      if (right instanceof Str b) {
        return Optional.of(joined(a, b, budget));
      }
      if (a.safe()) {
        return Optional.empty();
      }
      throw PyError.type("can only concatenate str (not \"" + right.typeName() + "\") to str");
    }
    if (left instanceof Seq a) {
      if (right instanceof Seq b && a.isList() == b.isList()) {
        budget.items((long) a.items().size() + b.items().size());
        List<Value> items = new ArrayList<>(a.items());
        items.addAll(b.items());
        return Optional.of(new Seq(a.isList() ? Seq.Kind.LIST : Seq.Kind.TUPLE, items));
      }
      String type = a.isList() ? "list" : "tuple";
      throw PyError.type(
          "can only concatenate %s (not \"%s\") to %s".formatted(type, right.typeName(), type));
    }
    return Optional.empty();
  }

  private static Str joined(Str left, Str right, Budget budget) {
    String a = !left.safe() && right.safe() ? Text.escape(left.text()) : left.text();
    String b = left.safe() && !right.safe() ? Text.escape(right.text()) : right.text();
    budget.text((long) a.length() + b.length());
    return new Str(a + b, left.safe() || right.safe());
  }

  private static Optional<Value> repeated(Value left, Value right, Budget budget) {
    if (Comparison.integer(left).isPresent() && !(right instanceof Int)) {
      return repeated(right, left, budget);
    }
    Optional<BigInteger> count = Comparison.integer(right);
    if (count.isEmpty()) {
      return Optional.empty();
    }
    long times = count.get().bitLength() > 40 ? 1L << 40 : count.get().longValue();
    times = count.get().signum() < 0 ? 0 : times;
    if (left instanceof Str text) {
      return Optional.of(text.with(Text.repeat(text.text(), times, budget)));
    }
    if (left instanceof Seq seq) {
      budget.items(times * seq.items().size());
      List<Value> items = new ArrayList<>();
      for (long i = 0; i < times && !seq.items().isEmpty(); i++) {
        items.addAll(seq.items());
      }
      return Optional.of(new Seq(seq.isList() ? Seq.Kind.LIST : Seq.Kind.TUPLE, items));
    }
    return Optional.empty();
  }

  private static Value numeric(String operator, Value left, Value right, Budget budget) {
    Optional<BigInteger> a = Comparison.integer(left);
    Optional<BigInteger> b = Comparison.integer(right);
    return a.isPresent() && b.isPresent() && !operator.equals("/")
        ? whole(operator, a.get(), b.get(), budget)
        : new Real(real(operator, toDouble(left), toDouble(right)));
  }

  private static Value whole(String operator, BigInteger a, BigInteger b, Budget budget) {
    budget.integer(Math.max(a.bitLength(), b.bitLength()));
    return switch (operator) {
      case "+" -> new Int(budget.integer(a.add(b)));
      case "-" -> new Int(budget.integer(a.subtract(b)));
      case "*" -> {
        budget.integer((long) a.bitLength() + b.bitLength() - 1);
        yield new Int(a.multiply(b));
      }
      case "//" -> new Int(floorDivided(a, b, "integer division or modulo by zero")[0]);
      case "%" -> new Int(floorDivided(a, b, "integer modulo by zero")[1]);
      default -> power(a, b, budget);
    };
  }

  private static BigInteger[] floorDivided(BigInteger a, BigInteger b, String problem) {
    if (b.signum() == 0) {
      throw new PyError(Kind.ARITHMETIC, problem);
    }
    BigInteger[] parts = a.divideAndRemainder(b);
    if (parts[1].signum() != 0 && parts[1].signum() != b.signum()) {
      parts[0] = parts[0].subtract(BigInteger.ONE);
      parts[1] = parts[1].add(b);
    }
    return parts;
  }

  private static Value power(BigInteger a, BigInteger b, Budget budget) {
    if (b.signum() < 0) {
      return new Real(real("**", a.doubleValue(), b.doubleValue()));
    }
    boolean isTrivial = a.bitLength() <= 1 && a.abs().compareTo(BigInteger.ONE) <= 0;
    if (isTrivial) {
      boolean isEven = !b.testBit(0);
      return new Int(b.signum() == 0 || (isEven && a.signum() != 0) ? BigInteger.ONE : a);
    }
    long exponent = b.bitLength() > 30 ? 1L << 30 : b.longValue();
    budget.integer((a.abs().bitLength() - 1) * exponent);
    return new Int(budget.integer(a.pow((int) exponent)));
  }

  private static double real(String operator, double a, double b) {
    return switch (operator) {
      case "+" -> a + b;
      case "-" -> a - b;
      case "*" -> a * b;
      case "/" -> a / nonZero(b, "division by zero");
      case "//" -> floor(a, nonZero(b, "float floor division by zero"));
      case "%" -> remainder(a, nonZero(b, "float modulo"));
      default -> realPower(a, b);
    };
  }

  private static double nonZero(double divisor, String problem) {
    if (divisor == 0) {
      throw new PyError(Kind.ARITHMETIC, problem);
    }
    return divisor;
  }

  private static double floor(double a, double b) {
    double quotient = (a - remainder(a, b)) / b;
    return quotient == 0 ? Math.copySign(0, a / b) : Math.rint(quotient);
  }

  private static double remainder(double a, double b) {
    double rest = a % b;
    if (rest == 0) {
      return Math.copySign(0, b);
    }
    return (rest < 0) != (b < 0) ? rest + b : rest;
  }

  private static double realPower(double a, double b) {
    if (a == 0 && b < 0) {
      throw new PyError(Kind.ARITHMETIC, "0.0 cannot be raised to a negative power");
    }
    double power = a == 1 ? 1 : Math.pow(a, b);
    if (Double.isNaN(power) && !Double.isNaN(a) && !Double.isNaN(b)) {
      throw PyError.type(
          "a negative number to the power of a fraction is complex, which has no place here");
    }
    if (Double.isInfinite(power) && Double.isFinite(a) && Double.isFinite(b)) {
      throw new PyError(Kind.ARITHMETIC, "(34, 'Numerical result out of range')");
    }
    return power;
  }

  /** A number as a float. */
  static double toDouble(Value value) {
    double real =
        value instanceof Real number
            ? number.value()
            : Comparison.integer(value).orElseThrow().doubleValue();
    if (!(value instanceof Real) && Double.isInfinite(real)) {
      throw new PyError(Kind.ARITHMETIC, "int too large to convert to float");
    }
    return real;
  }

  /** {@code -value} and {@code +value}. */
  static Value unary(String operator, Value value, Budget budget) {
    if (value instanceof Undefined undefined) {
      throw undefined.error();
    }
    if (value instanceof Real number) {
      return operator.equals("-") ? new Real(-number.value()) : number;
    }
    BigInteger whole =
        Comparison.integer(value)
            .orElseThrow(() ->
                PyError.type(
                    "bad operand type for unary %s: '%s'".formatted(operator, value.typeName())));
    budget.integer(whole.bitLength());
    return new Int(operator.equals("-") ? whole.negate() : whole);
  }
}
