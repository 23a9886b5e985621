package dev.lorikeet.jinja;

import dev.lorikeet.jinja.Value.Bool;
import dev.lorikeet.jinja.Value.Dict;
import dev.lorikeet.jinja.Value.Int;
import dev.lorikeet.jinja.Value.None;
import dev.lorikeet.jinja.Value.Range;
import dev.lorikeet.jinja.Value.Real;
import dev.lorikeet.jinja.Value.Seq;
import dev.lorikeet.jinja.Value.Str;
import dev.lorikeet.jinja.Value.Undefined;
import dev.lorikeet.jinja.Value.View;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;

/** Python's {@code ==}, {@code <} and {@code in}, and what makes two keys of a dict the same. */
final class Comparison {
  private Comparison() {}

  static boolean equal(Value left, Value right, Budget budget) {
    budget.enter();
    boolean equal = areEqual(left, right, budget);
    budget.leave();
    return equal;
  }

  private static boolean areEqual(Value left, Value right, Budget budget) {
    Optional<Integer> numbers = numbers(left, right);
    if (numbers.isPresent()) {
      return numbers.get() == 0;
    }
    if (isNumber(left) && isNumber(right)) {
      return false;
    }
    if (left instanceof Str a && right instanceof Str b) {
      budget.spend(Math.min(a.text().length(), b.text().length()) / 256);
      return a.text().equals(b.text());
    }
    if (left instanceof Seq a && right instanceof Seq b) {
      return a.isList() == b.isList() && sameItems(a.items(), b.items(), budget);
    }
    if (left instanceof Dict a && right instanceof Dict b) {
      return sameEntries(a, b, budget);
    }
    if (left instanceof Range a && right instanceof Range b) {
      boolean isSame = a.size() == b.size() && (a.size() == 0 || a.start() == b.start());
      return isSame && (a.size() <= 1 || a.step() == b.step());
    }
    if (left instanceof View a && right instanceof View b && a.part() != View.Part.VALUES) {
      return a.part() == b.part() && sameSets(a, b, budget);
    }
    return Value.isSameObject(left, right)
        || (left instanceof Undefined && right instanceof Undefined);
  }

  private static boolean sameItems(List<Value> left, List<Value> right, Budget budget) {
    if (left.size() != right.size()) {
      return false;
    }
    for (int i = 0; i < left.size(); i++) {
      if (!equal(left.get(i), right.get(i), budget)) {
        return false;
      }
    }
    return true;
  }

  private static boolean sameEntries(Dict left, Dict right, Budget budget) {
    if (left.size() != right.size()) {
      return false;
    }
    for (Dict.Entry entry : left.entries()) {
      Optional<Value> other = right.get(entry.key(), budget);
      if (other.isEmpty() || !equal(entry.value(), other.get(), budget)) {
        return false;
      }
    }
    return true;
  }

  /** Keys, and pairs of keys and values, are equal as sets. */
  private static boolean sameSets(View left, View right, Budget budget) {
    if (left.part() == View.Part.ITEMS) {
      return sameEntries(left.dict(), right.dict(), budget);
    }
    boolean isSame = left.dict().size() == right.dict().size();
    for (Dict.Entry entry : left.dict().entries()) {
      budget.spend(1);
      isSame &= right.dict().get(entry.key(), budget).isPresent();
    }
    return isSame;
  }

  static boolean isNumber(Value value) {
    return value instanceof Int || value instanceof Real || value instanceof Bool;
  }

  /** The whole number that an int or a bool is. */
  static Optional<BigInteger> integer(Value value) {
    return switch (value) {
      case Int number -> Optional.of(number.value());
      case Bool truth -> Optional.of(BigInteger.valueOf(truth.number()));
      default -> Optional.empty();
    };
  }

  /** Order of two numbers; empty where one is none or is NaN. */
  private static Optional<Integer> numbers(Value left, Value right) {
    if (!isNumber(left) || !isNumber(right)) {
      return Optional.empty();
    }
    Optional<BigInteger> a = integer(left);
    Optional<BigInteger> b = integer(right);
    if (a.isPresent() && b.isPresent()) {
      return Optional.of(a.get().compareTo(b.get()));
    }
    double x = left instanceof Real real ? real.value() : 0;
    double y = right instanceof Real real ? real.value() : 0;
    if (Double.isNaN(x) || Double.isNaN(y)) {
      return Optional.empty();
    }
    if (Double.isInfinite(x) || Double.isInfinite(y)) {
      return Optional.of(Double.compare(x, y));
    }
    BigDecimal exactLeft = a.map(BigDecimal::new).orElseGet(() -> new BigDecimal(x));
    BigDecimal exactRight = b.map(BigDecimal::new).orElseGet(() -> new BigDecimal(y));
    return Optional.of(exactLeft.compareTo(exactRight));
  }

  /** {@code left < right} and its relatives; {@code operator} is "<", "<=", ">" or ">=". */
  static boolean ordered(String operator, Value left, Value right, Budget budget) {
    if (left instanceof Undefined undefined) {
      throw undefined.error();
    }
    if (right instanceof Undefined undefined) {
      throw undefined.error();
    }
    if (isNumber(left) && isNumber(right)) {
      return numbers(left, right).map(order -> holds(operator, order)).orElse(false);
    }
    return holds(operator, order(operator, left, right, budget));
  }

  private static boolean holds(String operator, int order) {
    return switch (operator) {
      case "<" -> order < 0;
      case "<=" -> order <= 0;
      case ">" -> order > 0;
      default -> order >= 0;
    };
  }

  private static int order(String operator, Value left, Value right, Budget budget) {
    if (left instanceof Str a && right instanceof Str b) {
      budget.spend(1 + Math.min(a.text().length(), b.text().length()) / 256);
      return Text.compare(a.text(), b.text());
    }
    if (left instanceof Seq a && right instanceof Seq b && a.isList() == b.isList()) {
      budget.enter();
      int shared = Math.min(a.items().size(), b.items().size());
      for (int i = 0; i < shared; i++) {
        Value x = a.items().get(i);
        Value y = b.items().get(i);
        if (!equal(x, y, budget)) {
          budget.leave();
          return ordered("<", x, y, budget) ? -1 : 1;
        }
      }
      budget.leave();
      return Integer.compare(a.items().size(), b.items().size());
    }
    throw PyError.type(
        "'%s' not supported between instances of '%s' and '%s'"
            .formatted(operator, left.typeName(), right.typeName()));
  }

  /** {@code item in container}. */
  static boolean contains(Value container, Value item, Budget budget) {
    return switch (container) {
      case Str text -> {
        if (!(item instanceof Str part)) {
          throw PyError.type(
              "'in <string>' requires string as left operand, not " + item.typeName());
        }
        budget.search(text.text().length(), part.text().length());
        yield text.text().contains(part.text());
      }
      case Dict dict -> dict.get(item, budget).isPresent();
      case View view when view.part() == View.Part.KEYS ->
          view.dict().get(item, budget).isPresent();
      default -> {
        if (!Items.isIterable(container)) {
          throw PyError.type("argument of type '" + container.typeName() + "' is not iterable");
        }
        Iterator<Value> items = Items.of(container, budget);
        while (items.hasNext()) {
          if (equal(items.next(), item, budget)) {
            yield true;
          }
        }
        yield false;
      }
    };
  }

  /** An object whose {@code equals} is that of {@code value} as a key: 1, 1.0 and True are one. */
  static Object key(Value value, Budget budget) {
    return switch (value) {
      case Str text -> text.text();
      case Int number -> number.value();
      case Bool truth -> BigInteger.valueOf(truth.number());
      case Real number -> {
        double real = number.value();
        boolean isWhole = Double.isFinite(real) && real == Math.rint(real);
        yield isWhole ? new BigDecimal(real).toBigInteger() : (Object) real;
      }
      case None none -> none;
      case Undefined _ -> Undefined.class;
      case Seq seq when !seq.isList() -> {
        budget.enter();
        List<Object> keys = new ArrayList<>();
        seq.items().forEach(item -> keys.add(key(item, budget)));
        budget.leave();
        yield keys;
      }
      case Seq _, Dict _, Value.Slice _ ->
          throw PyError.type("unhashable type: '" + value.typeName() + "'");
      default -> new Identity(value);
    };
  }

  /** Values that are only equal to themselves. */
  private record Identity(Value value) {
    @Override
    public boolean equals(Object other) {
      return other instanceof Identity identity && Value.isSameObject(identity.value, value);
    }

    @Override
    public int hashCode() {
      return System.identityHashCode(value);
    }
  }
}
