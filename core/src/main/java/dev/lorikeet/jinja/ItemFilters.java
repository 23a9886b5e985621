package dev.lorikeet.jinja;

import dev.lorikeet.jinja.Args.Bound;
import dev.lorikeet.jinja.Filters.Filter;
import dev.lorikeet.jinja.Value.Dict;
import dev.lorikeet.jinja.Value.Int;
import dev.lorikeet.jinja.Value.None;
import dev.lorikeet.jinja.Value.Seq;
import dev.lorikeet.jinja.Value.Str;
import dev.lorikeet.jinja.Value.Stream;
import dev.lorikeet.jinja.Value.Undefined;
import dev.lorikeet.jinja.Value.View;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;

/** Filters that take lists apart and choose from them. */
final class ItemFilters {
  private ItemFilters() {}

  static void addTo(Map<String, Filter> all) {
    all.put("default", ItemFilters::fallback);
    all.put("d", ItemFilters::fallback);
    all.put("length", ItemFilters::length);
    all.put("count", ItemFilters::length);
    all.put(
        "list",
        (value, args, execution) -> {
          args.bind("list");
          return Seq.list(Items.list(value, execution.budget()));
        });
    all.put(
        "first",
        (value, args, execution) -> {
          args.bind("first");
          Iterator<Value> items = Items.of(value, execution.budget());
          return items.hasNext()
              ? items.next()
              : Undefined.of("No first item, sequence was empty.");
        });
    all.put("last", ItemFilters::last);
    all.put("items", ItemFilters::items);
    all.put("attr", ItemFilters::attribute);
    all.put(
        "map",
        (value, args, execution) ->
            lazy(value, execution, items -> Items.map(items, mapping(args, execution))));
    choice(all, "select", 0, true);
    choice(all, "reject", 0, false);
    choice(all, "selectattr", 1, true);
    choice(all, "rejectattr", 1, false);
    all.put("batch", ItemFilters::batch);
    all.put("slice", ItemFilters::slice);
  }

  private static Value fallback(Value value, Args args, Execution execution) {
    Bound bound = args.bind("default", "default_value", "boolean");
    boolean isReplaced = value instanceof Undefined || (bound.isTrue(1, false) && !Truth.of(value));
    return isReplaced ? bound.or(0, Str.of("")) : value;
  }

  private static Value length(Value value, Args args, Execution execution) {
    args.bind("length");
    return Int.of(Items.requiredLength(value, execution.budget()));
  }

  private static Value last(Value value, Args args, Execution execution) {
    args.bind("last");
    if (value instanceof Stream || !Items.isIterable(value)) {
      throw PyError.type("'" + value.typeName() + "' object is not reversible");
    }
    if (value instanceof Seq seq && !seq.items().isEmpty()) {
      return seq.items().getLast();
    }
    List<Value> items = Items.list(value, execution.budget());
    return items.isEmpty() ? Undefined.of("No last item, sequence was empty.") : items.getLast();
  }

  private static Value items(Value value, Args args, Execution execution) {
    args.bind("items");
    return Stream.generator(
        new Deferred(() -> {
          if (value instanceof Undefined) {
            return List.<Value>of().iterator();
          }
          if (value instanceof Dict dict) {
            return Items.of(new View(dict, View.Part.ITEMS), execution.budget());
          }
          throw PyError.type("Can only get item pairs from a mapping.");
        }));
  }

  private static Value attribute(Value value, Args args, Execution execution) {
    String name = args.bind("attr", "!name").text(0);
    // A key is no attribute.
    if (value instanceof Dict dict
        && ContainerMethods.find(dict, name).isEmpty()
        && !name.startsWith("__")) {
      return Undefined.of("'dict object' has no attribute " + Repr.quoted(name));
    }
    return Attributes.attribute(value, name, execution.budget());
  }

  /** Items that are made from others when they are asked for; none if {@code value} is false. */
  private static Value lazy(
      Value value, Execution execution, Function<Iterator<Value>, Iterator<Value>> change) {
    return Stream.generator(
        new Deferred(() ->
            Truth.of(value)
                ? change.apply(Items.of(value, execution.budget()))
                : List.<Value>of().iterator()));
  }

  private static Function<Value, Value> mapping(Args args, Execution execution) {
    if (args.positional().isEmpty() && args.named().containsKey("attribute")) {

      args.named().keySet().stream()
          .filter(name -> !name.equals("attribute") && !name.equals("default"))
          .findFirst()
          .ifPresent(name -> {
            throw PyError.type("Unexpected keyword argument " + Repr.quoted(name));
          });
      Bound bound = args.bind("map", "default", "!attribute");
      return Getter.of(bound.get(1), bound.or(0, None.NONE), execution);
    }
    if (args.positional().isEmpty()) {
      throw PyError.type("map requires a filter argument");
    }
    String name = name(args.positional().getFirst());
    if (!Filters.has(name)) {
      throw PyError.runtime("No filter named " + Repr.quoted(name) + ".");
    }
    Args rest = new Args(args.positional().subList(1, args.positional().size()), args.named());
    return item -> Filters.apply(name, item, rest, execution);
  }

  private static String name(Value value) {
    if (value instanceof Str name) {
      return name.text();
    }
    throw PyError.type("a filter or test is named by a text, not by " + value.typeName());
  }

  private static void choice(Map<String, Filter> all, String name, int skipped, boolean wanted) {
    all.put(
        name,
        (value, args, execution) ->
            lazy(
                value,
                execution,
                items -> Items.filter(items, choosing(skipped, wanted, args, execution))));
  }

  private static Predicate<Value> choosing(
      int skipped, boolean wanted, Args args, Execution execution) {
    List<Value> given = args.positional();
    if (given.size() < skipped) {
      throw PyError.type("Missing parameter for attribute name");
    }
    Function<Value, Value> getter =
        skipped == 1 ? Getter.of(given.getFirst(), None.NONE, execution) : Function.identity();
    if (given.size() == skipped) {
      return item -> Truth.of(getter.apply(item)) == wanted;
    }
    String test = name(given.get(skipped));
    if (!Tests.has(test)) {
      throw PyError.runtime("No test named " + Repr.quoted(test) + ".");
    }
    Args rest =
        new Args(given.subList(skipped + 1, given.size()), new LinkedHashMap<>(args.named()));
    return item -> Tests.apply(test, getter.apply(item), rest, execution) == wanted;
  }

  private static Value batch(Value value, Args args, Execution execution) {
    Bound bound = args.bind("batch", "!linecount", "fill_with");
    int count = Bound.integer(bound.get(0));
    List<Value> batches = new ArrayList<>();
    List<Value> batch = new ArrayList<>();
    for (Value item : Items.list(value, execution.budget())) {
      if (batch.size() == count) {
        batches.add(Seq.list(batch));
        batch = new ArrayList<>();
      }
      batch.add(item);
    }
    if (!batch.isEmpty()) {
      Value fill = bound.or(1, None.NONE);
      execution.budget().items(fill == None.NONE ? 0 : Math.max(0, count));
      while (fill != None.NONE && batch.size() < count) {
        batch.add(fill);
      }
      batches.add(Seq.list(batch));
    }
    return Stream.generator(batches.iterator());
  }

  private static Value slice(Value value, Args args, Execution execution) {
    Bound bound = args.bind("slice", "!slices", "fill_with");
    int slices = Bound.integer(bound.get(0));
    List<Value> items = Items.list(value, execution.budget());
    if (slices == 0) {
      throw new PyError(PyError.Kind.ARITHMETIC, "integer division or modulo by zero");
    }
    execution.budget().items(Math.max(0, slices));
    Value fill = bound.or(1, None.NONE);
    List<Value> made = new ArrayList<>();
    int at = 0;
    for (int i = 0; i < slices; i++) {
      boolean hasExtra = i < items.size() % slices;
      int end = at + items.size() / slices + (hasExtra ? 1 : 0);
      List<Value> part = new ArrayList<>(items.subList(at, end));
      if (fill != None.NONE && !hasExtra) {
        part.add(fill);
      }
      made.add(Seq.list(part));
      at = end;
    }
    return Stream.generator(made.iterator());
  }
}
