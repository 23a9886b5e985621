package dev.lorikeet.jinja;

import dev.lorikeet.jinja.Value.Bool;
import dev.lorikeet.jinja.Value.Callable;
import dev.lorikeet.jinja.Value.Dict;
import dev.lorikeet.jinja.Value.Int;
import dev.lorikeet.jinja.Value.None;
import dev.lorikeet.jinja.Value.Range;
import dev.lorikeet.jinja.Value.Real;
import dev.lorikeet.jinja.Value.Seq;
import dev.lorikeet.jinja.Value.Str;
import dev.lorikeet.jinja.Value.Undefined;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Predicate;

/** The tests behind {@code is}. */
final class Tests {
  @FunctionalInterface
  private interface Test {
    boolean holds(Value value, Args args, Execution execution);
  }

  private static final Map<String, Test> ALL = all();

  private Tests() {}

  static boolean has(String name) {
    return ALL.containsKey(name);
  }

  static boolean apply(String name, Value value, Args args, Execution execution) {
    Test test = ALL.get(name);
    if (test == null) {
      throw PyError.runtime("No test named " + Repr.quoted(name) + " found.");
    }
    execution.budget().spend(1);
    return test.holds(value, args, execution);
  }

  private static Map<String, Test> all() {
    Map<String, Test> all = new HashMap<>();
    plain(all, "defined", value -> !(value instanceof Undefined));
    plain(all, "undefined", value -> value instanceof Undefined);
    plain(all, "none", value -> value == None.NONE);
    plain(all, "boolean", value -> value instanceof Bool);
    plain(all, "true", value -> value == Bool.TRUE);
    plain(all, "false", value -> value == Bool.FALSE);
    plain(all, "integer", value -> value instanceof Int);
    plain(all, "float", value -> value instanceof Real);
    plain(all, "number", Comparison::isNumber);
    plain(all, "string", value -> value instanceof Str);
    plain(all, "mapping", value -> value instanceof Dict);
    plain(all, "sequence", Tests::isSequence);
    plain(all, "iterable", Items::isIterable);
    plain(all, "callable", value -> value instanceof Callable || value instanceof Undefined);
    plain(all, "escaped", value -> value instanceof Str text && text.safe());
    plain(all, "filter", value -> value instanceof Str name && Filters.has(name.text()));
    plain(all, "test", value -> value instanceof Str name && has(name.text()));
    texts(all);
    numbers(all);
    comparisons(all);
    return all;
  }

  private static void texts(Map<String, Test> all) {
    all.put(
        "lower",
        (value, args, execution) -> {
          args.bind("lower");
          return StrMethods.isLower(Repr.str(value, execution.budget()));
        });
    all.put(
        "upper",
        (value, args, execution) -> {
          args.bind("upper");
          return StrMethods.isUpper(Repr.str(value, execution.budget()));
        });
  }

  private static void numbers(Map<String, Test> all) {
    all.put("odd", (value, args, execution) -> isRest(value, Int.of(2), 1, execution));
    all.put("even", (value, args, execution) -> isRest(value, Int.of(2), 0, execution));
    all.put(
        "divisibleby",
        (value, args, execution) ->
            isRest(value, args.bind("divisibleby", "!num").get(0), 0, execution));
    all.put(
        "sameas", (value, args, execution) -> isSame(value, args.bind("sameas", "!other").get(0)));
    all.put(
        "in",
        (value, args, execution) ->
            Comparison.contains(args.bind("in", "!seq").get(0), value, execution.budget()));
  }

  private static void plain(Map<String, Test> all, String name, Predicate<Value> test) {
    all.put(
        name,
        (value, args, execution) -> {
          args.bind(name);
          return test.test(value);
        });
  }

  private static void comparisons(Map<String, Test> all) {
    for (String name : new String[] {"==", "eq", "equalto"}) {
      all.put(
          name,
          (value, args, execution) ->
              Comparison.equal(value, args.bind("eq", "!other").get(0), execution.budget()));
    }
    for (String name : new String[] {"!=", "ne"}) {
      all.put(
          name,
          (value, args, execution) ->
              !Comparison.equal(value, args.bind("ne", "!other").get(0), execution.budget()));
    }
    ordered(all, ">", ">", "gt", "greaterthan");
    ordered(all, ">=", ">=", "ge");
    ordered(all, "<", "<", "lt", "lessthan");
    ordered(all, "<=", "<=", "le");
  }

  private static void ordered(Map<String, Test> all, String operator, String... names) {
    for (String name : names) {
      all.put(
          name,
          (value, args, execution) ->
              Comparison.ordered(
                  operator, value, args.bind(name, "!other").get(0), execution.budget()));
    }
  }

  private static boolean isSequence(Value value) {
    return value instanceof Str
        || value instanceof Seq
        || value instanceof Dict
        || value instanceof Range
        || value instanceof Undefined;
  }

  private static boolean isRest(Value value, Value divisor, int rest, Execution execution) {
    Value remainder = Operators.binary("%", value, divisor, execution.budget());
    return Comparison.equal(remainder, Int.of(rest), execution.budget());
  }

  /** Identity, as far as it can be seen: Python has one object a small number or literal. */
  private static boolean isSame(Value left, Value right) {
    boolean arePlain =
        (left instanceof Int && right instanceof Int)
            || (left instanceof Str && right instanceof Str);
    return arePlain ? left.equals(right) : Value.isSameObject(left, right);
  }
}
