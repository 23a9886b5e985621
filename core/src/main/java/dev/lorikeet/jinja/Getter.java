package dev.lorikeet.jinja;

import dev.lorikeet.jinja.Value.Int;
import dev.lorikeet.jinja.Value.None;
import dev.lorikeet.jinja.Value.Seq;
import dev.lorikeet.jinja.Value.Str;
import dev.lorikeet.jinja.Value.Undefined;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;

/** What the parameter {@code attribute} of filters names: {@code "function.arguments.0"}. */
final class Getter {
  private Getter() {}

  /** Follows the attribute; {@code fallback} stands for what is undefined unless it is None. */
  static Function<Value, Value> of(Value attribute, Value fallback, Execution execution) {
    List<Value> steps = steps(attribute);
    return item -> {
      Value value = item;
      for (Value step : steps) {
        execution.budget().spend(1);
        value = Attributes.item(value, step, execution.budget());
        if (fallback != None.NONE && value instanceof Undefined) {
          value = fallback;
        }
      }
      return value;
    };
  }

  /** The values of several attributes, "a,b", as a list. */
  static Function<Value, Value> several(
      Value attributes, Function<Value, Value> change, Execution execution) {
    List<Function<Value, Value>> getters = new ArrayList<>();
    if (attributes instanceof Str names) {
      for (String name : Text.split(names.text(), ",", -1)) {
        getters.add(of(Str.of(name), None.NONE, execution));
      }
    } else {
      getters.add(of(attributes, None.NONE, execution));
    }
    return item -> {
      List<Value> values = new ArrayList<>();
      getters.forEach(getter -> values.add(change.apply(getter.apply(item))));
      return Seq.list(values);
    };
  }

  private static List<Value> steps(Value attribute) {
    if (attribute == None.NONE) {
      return List.of();
    }
    if (!(attribute instanceof Str path)) {
      return List.of(attribute);
    }
    List<Value> steps = new ArrayList<>();
    for (String step : Text.split(path.text(), ".", -1)) {
      boolean isNumber = step.matches("[0-9]{1,9}");
      steps.add(isNumber ? Int.of(Long.parseLong(step)) : Str.of(step));
    }
    return steps;
  }

  /** Texts in lower case, other values as they are. */
  static Value ignoreCase(Value value) {
    return value instanceof Str text ? text.with(text.text().toLowerCase(Locale.ROOT)) : value;
  }
}
