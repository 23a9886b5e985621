package dev.lorikeet.jinja;

import dev.lorikeet.jinja.Args.Bound;
import dev.lorikeet.jinja.Value.Builtin;
import dev.lorikeet.jinja.Value.Callable;
import dev.lorikeet.jinja.Value.Dict;
import dev.lorikeet.jinja.Value.Namespace;
import dev.lorikeet.jinja.Value.Range;
import dev.lorikeet.jinja.Value.Seq;
import dev.lorikeet.jinja.Value.Str;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The functions that every template can call. */
final class Functions {
  private static final Map<String, Value> ALL =
      Map.of(
          "range", new Type("range", Functions::range),
          "dict", new Type("dict", Functions::dict),
          "namespace", new Type("jinja2.utils.Namespace", Functions::namespace),
          "cycler", new Type("jinja2.utils.Cycler", (args, execution) -> Cycler.of(args)),
          "joiner",
              new Type("jinja2.utils.Joiner", (args, execution) -> Joiner.of(args, execution)),
          "raise_exception", new Builtin("raise_exception", Functions::raise),
          "strftime_now",
              new Builtin(
                  "strftime_now",
                  (args, execution) ->
                      Str.of(
                          StrfTime.format(
                              args.bind("strftime_now", "!format").text(0), execution))));

  private Functions() {}

  static Optional<Value> find(String name) {
    return Optional.ofNullable(ALL.get(name));
  }

  /** A class of Python, which makes a value when called. */
  private record Type(String name, Builtin.Body body) implements Callable {
    @Override
    public String type() {
      return "type";
    }

    @Override
    public String text() {
      return "<class '" + name + "'>";
    }

    @Override
    public Value call(Args args, Execution execution) {
      return body.call(args, execution);
    }
  }

  private static Value raise(Args args, Execution execution) {
    Value message = args.bind("raise_exception", "!message").get(0);
    throw new PyError(PyError.Kind.RAISED, Repr.str(message, execution.budget()));
  }

  private static Value range(Args args, Execution execution) {
    if (!args.named().isEmpty()) {
      throw PyError.type("range() takes no keyword arguments");
    }
    List<Value> given = args.positional();
    if (given.isEmpty() || given.size() > 3) {
      throw PyError.type("range expected 1 to 3 arguments, got " + given.size());
    }
    List<Long> numbers = new ArrayList<>();
    for (Value value : given) {
      Optional<BigInteger> number = Comparison.integer(value);
      if (value instanceof Value.Undefined || number.isEmpty()) {
        throw PyError.type("'" + value.typeName() + "' object cannot be interpreted as an integer");
      }
      if (number.get().bitLength() > 40) {
        throw tooBig();
      }
      numbers.add(number.get().longValue());
    }
    long step = numbers.size() == 3 ? numbers.get(2) : 1;
    if (step == 0) {
      throw PyError.value("range() arg 3 must not be zero");
    }
    Range range =
        numbers.size() == 1
            ? new Range(0, numbers.getFirst(), 1)
            : new Range(numbers.get(0), numbers.get(1), step);
    execution.budget().spend(1);
    if (range.size() > Limits.RANGE) {
      throw tooBig();
    }
    return range;
  }

  private static PyError tooBig() {
    return new PyError(
        PyError.Kind.LIMIT,
        "Range too big. The sandbox blocks ranges larger than MAX_RANGE (" + Limits.RANGE + ").");
  }

  static Value dict(Args args, Execution execution) {
    if (args.positional().size() > 1) {
      throw PyError.type("dict expected at most 1 argument, got " + args.positional().size());
    }
    Dict made = new Dict();
    for (Value value : args.positional()) {
      if (value instanceof Dict dict) {
        execution.budget().items(dict.size());
        dict.entries().forEach(entry -> made.put(entry.key(), entry.value(), execution.budget()));
      } else {
        pairs(value, made, execution);
      }
    }
    args.named().forEach((name, value) -> made.put(Str.of(name), value, execution.budget()));
    return made;
  }

  private static void pairs(Value value, Dict made, Execution execution) {
    int index = 0;
    for (Value item : Items.list(value, execution.budget())) {
      List<Value> pair = Items.list(item, execution.budget());
      if (pair.size() != 2) {
        throw PyError.value(
            "dictionary update sequence element #%d has length %d; 2 is required"
                .formatted(index, pair.size()));
      }
      made.put(pair.get(0), pair.get(1), execution.budget());
      index++;
    }
  }

  private static Value namespace(Args args, Execution execution) {
    Map<String, Value> attributes = new LinkedHashMap<>();
    if (dict(args, execution) instanceof Dict dict) {
      for (Dict.Entry entry : dict.entries()) {
        if (entry.key() instanceof Str name) {
          attributes.put(name.text(), entry.value());
        }
      }
    }
    return new Namespace(attributes);
  }

  /** {@code cycler(a, b)}: one item after the other, and again. */
  private static final class Cycler implements Callable {
    private final List<Value> items;
    private int position;

    private Cycler(List<Value> items) {
      this.items = items;
    }

    static Value of(Args args) {
      if (args.positional().isEmpty()) {
        throw PyError.runtime("at least one item has to be provided");
      }
      return new Cycler(args.positional());
    }

    @Override
    public Optional<Value> attribute(String name) {
      return Optional.ofNullable(
          switch (name) {
            case "next" ->
                new Builtin(
                    "next",
                    (args, execution) -> {
                      Value item = items.get(position);
                      position = (position + 1) % items.size();
                      return item;
                    });
            case "reset" ->
                new Builtin(
                    "reset",
                    (args, execution) -> {
                      position = 0;
                      return Value.None.NONE;
                    });
            case "current" -> items.get(position);
            case "items" -> new Seq(Seq.Kind.TUPLE, items);
            case "pos" -> Value.Int.of(position);
            default -> null;
          });
    }

    @Override
    public String type() {
      return "Cycler";
    }

    @Override
    public String text() {
      return "<jinja2.utils.Cycler object>";
    }

    @Override
    public Value call(Args args, Execution execution) {
      throw PyError.type("'Cycler' object is not callable");
    }
  }

  /** {@code joiner(', ')}: nothing at its first call, the separator at all others. */
  private static final class Joiner implements Callable {
    private final Value separator;
    private boolean isUsed;

    private Joiner(Value separator) {
      this.separator = separator;
    }

    static Value of(Args args, Execution execution) {
      Bound bound = args.bind("joiner", "sep");
      execution.budget().spend(1);
      return new Joiner(bound.or(0, Str.of(", ")));
    }

    @Override
    public String type() {
      return "Joiner";
    }

    @Override
    public String text() {
      return "<jinja2.utils.Joiner object>";
    }

    @Override
    public Value call(Args args, Execution execution) {
      Value said = isUsed ? separator : Str.of("");
      isUsed = true;
      return said;
    }
  }
}
