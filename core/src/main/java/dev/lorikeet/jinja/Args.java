package dev.lorikeet.jinja;

import dev.lorikeet.jinja.Value.Bool;
import dev.lorikeet.jinja.Value.Int;
import dev.lorikeet.jinja.Value.None;
import dev.lorikeet.jinja.Value.Str;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The arguments of a call. */
record Args(List<Value> positional, Map<String, Value> named) {
  static final Args EMPTY = new Args(List.of(), Map.of());

  static Args of(Value... positional) {
    return new Args(List.of(positional), Map.of());
  }

  /**
   * The arguments in the order of {@code parameters}; one that begins with "!" has to be given.
   *
   * @param function name for messages
   */
  Bound bind(String function, String... parameters) {
    if (positional.size() > parameters.length) {
      throw PyError.type(
          "%s() takes at most %d argument(s), but %d were given"
              .formatted(function, parameters.length, positional.size()));
    }
    List<@Nullable Value> values = new ArrayList<>(positional);
    int taken = 0;
    for (int i = 0; i < parameters.length; i++) {
      boolean isRequired = parameters[i].startsWith("!");
      String name = isRequired ? parameters[i].substring(1) : parameters[i];
      Value byName = named.get(name);
      if (i < positional.size() && byName != null) {
        throw PyError.type(function + "() got multiple values for argument '" + name + "'");
      }
      if (i >= positional.size()) {
        if (byName == null && isRequired) {
          throw PyError.type(function + "() missing required argument: '" + name + "'");
        }
        values.add(byName);
      }
      taken += byName == null ? 0 : 1;
    }
    if (taken < named.size()) {
      List<String> known = List.of(parameters);
      String unknown =
          named.keySet().stream()
              .filter(name -> !known.contains(name) && !known.contains("!" + name))
              .findFirst()
              .orElse("?");
      throw PyError.type(function + "() got an unexpected keyword argument '" + unknown + "'");
    }
    return new Bound(function, values);
  }

  /** Arguments in the order of a function's parameters. */
  record Bound(String function, List<@Nullable Value> values) {

    Optional<Value> find(int index) {
      return Optional.ofNullable(values.get(index));
    }

    /** The argument, which {@link Args#bind} made sure of. */
    Value get(int index) {
      return find(index).orElseThrow();
    }

    Value or(int index, Value fallback) {
      return find(index).orElse(fallback);
    }

    /** The argument; None counts as not given. */
    Optional<Value> orNone(int index) {
      return find(index).filter(value -> value != None.NONE);
    }

    boolean isTrue(int index, boolean fallback) {
      return find(index).map(Truth::of).orElse(fallback);
    }

    String text(int index) {
      if (get(index) instanceof Str text) {
        return text.text();
      }
      throw PyError.type(
          "%s() argument %d must be str, not %s"
              .formatted(function, index + 1, get(index).typeName()));
    }

    /** A whole number within the range of int. */
    int integer(int index, int fallback) {
      Optional<Value> value = find(index);
      return value.isPresent() ? integer(value.get()) : fallback;
    }

    static int integer(Value value) {
      return switch (value) {
        case Bool truth -> truth.number();
        case Int number -> {
          if (number.value().bitLength() > 31) {
            throw new PyError(
                PyError.Kind.ARITHMETIC, "Python int too large to convert to C ssize_t");
          }
          yield number.value().intValue();
        }
        case Value.Undefined undefined -> throw undefined.error();
        default ->
            throw PyError.type(
                "'" + value.typeName() + "' object cannot be interpreted as an integer");
      };
    }
  }
}
