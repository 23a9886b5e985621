package dev.lorikeet.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A value of Python, as far as templates meet them. */
sealed interface Value {

  /** {@code None}. */
  enum None implements Value {
    NONE
  }

  /** {@code True} and {@code False}, which count as the numbers 1 and 0. */
  enum Bool implements Value {
    FALSE,
    TRUE;

    static Bool of(boolean value) {
      return value ? TRUE : FALSE;
    }

    boolean isTrue() {
      return this == TRUE;
    }

    int number() {
      return isTrue() ? 1 : 0;
    }
  }

  /** A whole number of any size. */
  record Int(BigInteger value) implements Value {
    static Int of(long value) {
      return new Int(BigInteger.valueOf(value));
    }
  }

  /** A float. */
  record Real(double value) implements Value {}

  /**
   * A string; a character is a code point.
   *
   * @param safe whether it is markupsafe's {@code Markup}: it escapes what it is put together with
   */
  record Str(String text, boolean safe) implements Value {
    static Str of(String text) {
      return new Str(text, false);
    }

    /** Another text of the same class. */
    Str with(String other) {
      return new Str(other, safe);
    }
  }

  /** A list or a tuple, which no template can change. */
  record Seq(Kind kind, List<Value> items) implements Value {
    enum Kind {
      LIST,
      TUPLE,
      /** What {@code groupby} gives: a tuple whose parts have names. */
      GROUP
    }

    static Seq list(List<Value> items) {
      return new Seq(Kind.LIST, items);
    }

    static Seq tuple(Value... items) {
      return new Seq(Kind.TUPLE, List.of(items));
    }

    boolean isList() {
      return kind == Kind.LIST;
    }
  }

  /** A dict in the order of its insertions. */
  final class Dict implements Value {
    private final Map<Object, Entry> entries = new LinkedHashMap<>();

    record Entry(Value key, Value value) {}

    /** Equal keys keep the first key and take the new value, as in Python. */
    void put(Value key, Value value, Budget budget) {
      Object hash = Comparison.key(key, budget);
      Entry old = entries.get(hash);
      entries.put(hash, new Entry(old == null ? key : old.key(), value));
    }

    Optional<Value> get(Value key, Budget budget) {
      Entry entry = entries.get(Comparison.key(key, budget));
      return entry == null ? Optional.empty() : Optional.of(entry.value());
    }

    Iterable<Entry> entries() {
      return entries.values();
    }

    int size() {
      return entries.size();
    }
  }

  /** {@code keys()}, {@code values()} or {@code items()} of a dict. */
  record View(Dict dict, Part part) implements Value {
    enum Part {
      KEYS,
      VALUES,
      ITEMS
    }

    List<Value> items() {
      List<Value> items = new ArrayList<>(dict.size());
      for (Dict.Entry entry : dict.entries()) {
        items.add(
            switch (part) {
              case KEYS -> entry.key();
              case VALUES -> entry.value();
              case ITEMS -> Seq.tuple(entry.key(), entry.value());
            });
      }
      return items;
    }
  }

  /** {@code range(start, stop, step)}, at most {@link Limits#RANGE} numbers. */
  record Range(long start, long stop, long step) implements Value {
    long size() {
      long span = step > 0 ? stop - start : start - stop;
      return span <= 0 ? 0 : (span - 1) / Math.abs(step) + 1;
    }

    Value at(long index) {
      return Int.of(start + index * step);
    }
  }

  /** A generator or iterator: its items come one by one, and once. */
  record Stream(String type, Iterator<Value> iterator) implements Value {
    static Stream generator(Iterator<Value> iterator) {
      return new Stream("generator", iterator);
    }
  }

  /**
   * What a missing name or attribute gives: empty text, false, nothing to loop over, and a failure
   * in every other use.
   */
  record Undefined(PyError.Kind kind, String message) implements Value {
    static Undefined of(String message) {
      return new Undefined(PyError.Kind.UNDEFINED, message);
    }

    PyError error() {
      return new PyError(kind, message);
    }
  }

  /** {@code namespace(...)}: the only thing that a template can change from inside a loop. */
  record Namespace(Map<String, Value> attributes) implements Value {}

  /** A part of a list or string: {@code start:stop:step}; a part left out is None. */
  record Slice(Value start, Value stop, Value step) implements Value {}

  /** A macro, filter, method, function, or the {@code loop} of a loop. */
  non-sealed interface Callable extends Value {
    /** Name of its Python class. */
    String type();

    /** What {@code repr()} gives. */
    String text();

    Value call(Args args, Execution execution);

    /** A named attribute, if there is one. */
    default Optional<Value> attribute(String name) {
      return Optional.empty();
    }
  }

  /** A function made here. */
  record Builtin(String name, Body body) implements Callable {
    @FunctionalInterface
    interface Body {
      Value call(Args args, Execution execution);
    }

    @Override
    public String type() {
      return "builtin_function_or_method";
    }

    @Override
    public String text() {
      return "<built-in function " + name + ">";
    }

    @Override
    public Value call(Args args, Execution execution) {
      return body.call(args, execution);
    }
  }

  /** Turns null, booleans, numbers, texts, lists and maps with text keys into values. */
  static Value of(@Nullable Object data, Budget budget) {
    budget.enter();
    Value value =
        switch (data) {
          case null -> None.NONE;
          case Value already -> already;
          case Boolean truth -> Bool.of(truth);
          case BigInteger whole -> new Int(whole);
          case Integer whole -> Int.of(whole);
          case Long whole -> Int.of(whole);
          case Number number -> new Real(number.doubleValue());
          case String text -> Str.of(text);
          case List<?> list -> {
            List<Value> items = new ArrayList<>(list.size());
            list.forEach(item -> items.add(of(item, budget)));
            yield Seq.list(items);
          }
          case Map<?, ?> map -> {
            Dict dict = new Dict();
            map.forEach(
                (key, item) -> dict.put(Str.of(String.valueOf(key)), of(item, budget), budget));
            yield dict;
          }
          default ->
              throw new IllegalArgumentException("no template value: " + data.getClass().getName());
        };
    budget.leave();
    return value;
  }

  /** Python's {@code is}, as far as Java's objects are Python's. */
  @SuppressWarnings("ReferenceEquality") // which object it is, is the question
  static boolean isSameObject(Value left, Value right) {
    return left == right;
  }

  /** Name of the value's Python class. */
  default String typeName() {
    return switch (this) {
      case None _ -> "NoneType";
      case Bool _ -> "bool";
      case Int _ -> "int";
      case Real _ -> "float";
      case Str text -> text.safe() ? "Markup" : "str";
      case Seq seq ->
          switch (seq.kind()) {
            case LIST -> "list";
            case TUPLE -> "tuple";
            case GROUP -> "_GroupTuple";
          };
      case Dict _ -> "dict";
      case View view ->
          switch (view.part()) {
            case KEYS -> "dict_keys";
            case VALUES -> "dict_values";
            case ITEMS -> "dict_items";
          };
      case Range _ -> "range";
      case Stream stream -> stream.type();
      case Undefined _ -> "Undefined";
      case Namespace _ -> "Namespace";
      case Slice _ -> "slice";
      case Callable callable -> callable.type();
    };
  }
}
