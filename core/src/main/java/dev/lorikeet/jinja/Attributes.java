package dev.lorikeet.jinja;

import dev.lorikeet.jinja.PyError.Kind;
import dev.lorikeet.jinja.Value.Callable;
import dev.lorikeet.jinja.Value.Dict;
import dev.lorikeet.jinja.Value.Int;
import dev.lorikeet.jinja.Value.Namespace;
import dev.lorikeet.jinja.Value.None;
import dev.lorikeet.jinja.Value.Range;
import dev.lorikeet.jinja.Value.Seq;
import dev.lorikeet.jinja.Value.Slice;
import dev.lorikeet.jinja.Value.Str;
import dev.lorikeet.jinja.Value.Undefined;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.LongStream;

/** {@code value.name} and {@code value[key]} as jinja2's immutable sandbox answers them. */
final class Attributes {
  private static final Set<String> LIST_CHANGES =
      Set.of("append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove");
  private static final Set<String> DICT_CHANGES =
      Set.of("clear", "pop", "popitem", "setdefault", "update");

  /** Attributes of every object of Python; no other attribute begins with an underscore. */
  private static final Set<String> OF_OBJECTS =
      Set.of(
          "__class__",
          "__doc__",
          "__init__",
          "__dict__",
          "__module__",
          "__new__",
          "__eq__",
          "__ne__",
          "__repr__",
          "__str__",
          "__hash__",
          "__subclasshook__",
          "__init_subclass__",
          "__reduce__",
          "__reduce_ex__",
          "__sizeof__",
          "__dir__",
          "__format__",
          "__setattr__",
          "__delattr__",
          "__getattribute__",
          "__lt__",
          "__le__",
          "__gt__",
          "__ge__",
          "__len__",
          "__iter__",
          "__contains__",
          "__getitem__",
          "__call__",
          "__globals__",
          "__add__",
          "__mul__",
          "__getstate__");

  private Attributes() {}

  /** {@code value.name}: an attribute first, then a key. */
  static Value attribute(Value value, String name, Budget budget) {
    Optional<Value> found = ownAttribute(value, name, budget);
    if (found.isPresent()) {
      return found.get();
    }
    return element(value, Str.of(name), budget).orElseGet(() -> missing(value, Str.of(name)));
  }

  /** {@code value[key]}: a key first, then an attribute. */
  static Value item(Value value, Value key, Budget budget) {
    Optional<Value> found = element(value, key, budget);
    if (found.isEmpty() && key instanceof Str name) {
      found = ownAttribute(value, name.text(), budget);
    }
    return found.orElseGet(() -> missing(value, key));
  }

  private static Undefined missing(Value value, Value key) {
    String owner =
        switch (value) {
          case None _ -> "None";
          case Namespace _ -> "jinja2.utils.Namespace object";
          case LoopContext _, Macro _ -> "jinja2.runtime." + value.typeName() + " object";
          default -> value.typeName() + " object";
        };
    if (key instanceof Str name) {
      return Undefined.of("'" + owner + "' has no attribute " + Repr.quoted(name.text()));
    }
    String shown =
        switch (key) {
          case Int number when number.value().bitLength() < 100 -> number.value().toString();
          case None _ -> "None";
          default -> "of class " + key.typeName();
        };
    return Undefined.of(owner + " has no element " + shown);
  }

  private static Optional<Value> ownAttribute(Value value, String name, Budget budget) {
    if (value instanceof Undefined undefined && !OF_OBJECTS.contains(name)) {
      throw undefined.error();
    }
    if (isUnsafe(value, name)) {
      return Optional.of(
          new Undefined(
              Kind.SECURITY,
              "access to attribute %s of %s object is unsafe."
                  .formatted(Repr.quoted(name), Repr.quoted(value.typeName()))));
    }
    return switch (value) {
      case Str text -> StrMethods.find(text, name, budget);
      case Dict dict -> ContainerMethods.find(dict, name);
      case Seq seq -> ContainerMethods.find(seq, name);
      case Range range -> ContainerMethods.find(range, name);
      case Namespace namespace -> Optional.ofNullable(namespace.attributes().get(name));
      case Callable callable -> callable.attribute(name);
      default -> Optional.empty();
    };
  }

  private static boolean isUnsafe(Value value, String name) {
    if (OF_OBJECTS.contains(name)) {
      return !(value instanceof Namespace);
    }
    return value instanceof Seq seq
        ? seq.isList() && LIST_CHANGES.contains(name)
        : value instanceof Dict && DICT_CHANGES.contains(name);
  }

  private static Optional<Value> element(Value value, Value key, Budget budget) {
    return switch (value) {
      case Undefined undefined -> throw undefined.error();
      case Dict dict ->
          key instanceof Slice || isUnhashable(key) ? Optional.empty() : dict.get(key, budget);
      case Seq seq ->
          index(key, seq.items().size()).map(index -> seq.items().get(Math.toIntExact(index)));
      case Range range -> index(key, range.size()).map(range::at);
      case Str text -> character(text, key, budget);
      default -> Optional.empty();
    };
  }

  private static boolean isUnhashable(Value key) {
    return key instanceof Dict || (key instanceof Seq seq && seq.isList());
  }

  private static Optional<Value> character(Str text, Value key, Budget budget) {
    budget.spend(1 + text.text().length() / 256);
    int length = text.text().codePointCount(0, text.text().length());
    return index(key, length)
        .map(index -> {
          int at = text.text().offsetByCodePoints(0, Math.toIntExact(index));
          return text.with(Character.toString(text.text().codePointAt(at)));
        });
  }

  private static Optional<Long> index(Value key, long size) {
    Optional<BigInteger> number = Comparison.integer(key);
    if (number.isEmpty() || number.get().bitLength() > 62) {
      return Optional.empty();
    }
    long index = number.get().longValue() + (number.get().signum() < 0 ? size : 0);
    return index >= 0 && index < size ? Optional.of(index) : Optional.empty();
  }

  /** {@code value[start:stop:step]}. */
  static Value slice(Value value, Slice slice, Budget budget) {
    return switch (value) {
      case Undefined undefined -> throw undefined.error();
      case Seq seq -> {
        List<Value> items = new ArrayList<>();
        indices(slice, seq.items().size(), budget)
            .forEach(index -> items.add(seq.items().get((int) index)));
        yield new Seq(seq.isList() ? Seq.Kind.LIST : Seq.Kind.TUPLE, items);
      }
      case Str text -> {
        int[] characters = text.text().codePoints().toArray();
        budget.text(characters.length);
        StringBuilder made = new StringBuilder();
        indices(slice, characters.length, budget)
            .forEach(index -> made.appendCodePoint(characters[(int) index]));
        yield text.with(made.toString());
      }
      case Range range -> {
        Bounds bounds = Bounds.of(slice, range.size());
        yield new Range(
            range.start() + bounds.start * range.step(),
            range.start() + bounds.stop * range.step(),
            range.step() * Math.clamp(bounds.step, -Limits.RANGE - 1, Limits.RANGE + 1));
      }
      case Dict _ -> throw PyError.type("unhashable type: 'slice'");
      default -> throw PyError.type("'" + value.typeName() + "' object is not subscriptable");
    };
  }

  private static LongStream indices(Slice slice, long size, Budget budget) {
    Bounds bounds = Bounds.of(slice, size);
    Range range = new Range(bounds.start, bounds.stop, bounds.step);
    budget.spend(1 + range.size() / 8);
    return LongStream.range(0, range.size()).map(i -> bounds.start + i * bounds.step);
  }

  /** {@code slice.indices(size)}. */
  private record Bounds(long start, long stop, long step) {
    static Bounds of(Slice slice, long size) {
      long step = bound(slice.step(), 1);
      if (step == 0) {
        throw PyError.value("slice step cannot be zero");
      }
      long lowest = step > 0 ? 0 : -1;
      long highest = step > 0 ? size : size - 1;
      long start = inside(slice.start(), step > 0 ? lowest : highest, size, lowest, highest);
      long stop = inside(slice.stop(), step > 0 ? highest : lowest, size, lowest, highest);
      return new Bounds(start, stop, step);
    }

    private static long inside(Value value, long absent, long size, long lowest, long highest) {
      if (value == None.NONE) {
        return absent;
      }
      long bound = bound(value, 0);
      return Math.clamp(bound < 0 ? bound + size : bound, lowest, highest);
    }

    private static long bound(Value value, long absent) {
      if (value == None.NONE) {
        return absent;
      }
      if (value instanceof Undefined undefined) {
        throw PyError.type(
            "slice indices must be integers or None or have an __index__ method: "
                + undefined.message());
      }
      BigInteger number =
          Comparison.integer(value)
              .orElseThrow(() ->
                  PyError.type(
                      "slice indices must be integers or None or have an __index__ method"));
      // Beyond any size; kept small enough to be added to one.
      long far = Integer.MAX_VALUE;
      return number.bitLength() > 31 ? number.signum() * far : number.longValue();
    }
  }
}
