package dev.lorikeet.jinja;

import dev.lorikeet.jinja.Args.Bound;
import dev.lorikeet.jinja.Filters.Filter;
import dev.lorikeet.jinja.Value.Dict;
import dev.lorikeet.jinja.Value.Int;
import dev.lorikeet.jinja.Value.None;
import dev.lorikeet.jinja.Value.Seq;
import dev.lorikeet.jinja.Value.Slice;
import dev.lorikeet.jinja.Value.Str;
import dev.lorikeet.jinja.Value.Stream;
import dev.lorikeet.jinja.Value.Undefined;
import dev.lorikeet.jinja.Value.View;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/** Filters that order lists, group them and sum them up. */
final class OrderFilters {
  private OrderFilters() {}

  static void addTo(Map<String, Filter> all) {
    all.put("sort", OrderFilters::sort);
    all.put("dictsort", OrderFilters::sortDict);
    all.put("unique", OrderFilters::unique);
    all.put("groupby", OrderFilters::group);
    all.put("min", (value, args, execution) -> extreme("min", "<", value, args, execution));
    all.put("max", (value, args, execution) -> extreme("max", ">", value, args, execution));
    all.put("sum", OrderFilters::sum);
    all.put("reverse", OrderFilters::reverse);
  }

  private static Function<Value, Value> caseRule(Bound bound, int index) {
    return bound.isTrue(index, false) ? Function.identity() : Getter::ignoreCase;
  }

  private static Value sort(Value value, Args args, Execution execution) {
    Bound bound = args.bind("sort", "reverse", "case_sensitive", "attribute");
    Function<Value, Value> key =
        Getter.several(bound.or(2, None.NONE), caseRule(bound, 1), execution);
    List<Value> items = Items.list(value, execution.budget());
    return Seq.list(Sorting.sorted(items, key, bound.isTrue(0, false), execution.budget()));
  }

  private static Value sortDict(Value value, Args args, Execution execution) {
    Bound bound = args.bind("dictsort", "case_sensitive", "by", "reverse");
    String by = bound.find(1).isPresent() ? bound.text(1) : "key";
    if (!by.equals("key") && !by.equals("value")) {
      throw PyError.value("You can only sort by either \"key\" or \"value\"");
    }
    if (value instanceof Undefined undefined) {
      throw undefined.error();
    }
    if (!(value instanceof Dict dict)) {
      throw PyError.type("'" + value.typeName() + "' object has no attribute 'items'");
    }
    Function<Value, Value> rule = caseRule(bound, 0);
    Value position = Int.of(by.equals("key") ? 0 : 1);
    return Seq.list(
        Sorting.sorted(
            new View(dict, View.Part.ITEMS).items(),
            pair -> rule.apply(Attributes.item(pair, position, execution.budget())),
            bound.isTrue(2, false),
            execution.budget()));
  }

  private static Value unique(Value value, Args args, Execution execution) {
    Bound bound = args.bind("unique", "case_sensitive", "attribute");
    Function<Value, Value> rule = caseRule(bound, 0);
    Function<Value, Value> getter = Getter.of(bound.or(1, None.NONE), None.NONE, execution);
    Set<Object> seen = new HashSet<>();
    return Stream.generator(
        new Deferred(() ->
            Items.filter(
                Items.of(value, execution.budget()),
                item ->
                    seen.add(Comparison.key(rule.apply(getter.apply(item)), execution.budget())))));
  }

  private static Value group(Value value, Args args, Execution execution) {
    Bound bound = args.bind("groupby", "!attribute", "default", "case_sensitive");
    Function<Value, Value> getter = Getter.of(bound.get(0), bound.or(1, None.NONE), execution);
    Function<Value, Value> rule = caseRule(bound, 2);
    Function<Value, Value> key = item -> rule.apply(getter.apply(item));
    List<Value> sorted =
        Sorting.sorted(Items.list(value, execution.budget()), key, false, execution.budget());
    List<Value> groups = new ArrayList<>();
    for (int start = 0; start < sorted.size(); ) {
      Value shared = key.apply(sorted.get(start));
      int end = start + 1;
      while (end < sorted.size()
          && Comparison.equal(shared, key.apply(sorted.get(end)), execution.budget())) {
        end++;
      }
      Value shown = bound.isTrue(2, false) ? shared : getter.apply(sorted.get(start));
      List<Value> members = List.copyOf(sorted.subList(start, end));
      groups.add(new Seq(Seq.Kind.GROUP, List.of(shown, Seq.list(members))));
      start = end;
    }
    return Seq.list(groups);
  }

  private static Value extreme(
      String name, String operator, Value value, Args args, Execution execution) {
    Bound bound = args.bind(name, "case_sensitive", "attribute");
    Iterator<Value> items = Items.of(value, execution.budget());
    if (!items.hasNext()) {
      return Undefined.of("No aggregated item, sequence was empty.");
    }
    Function<Value, Value> rule = caseRule(bound, 0);
    Function<Value, Value> getter = Getter.of(bound.or(1, None.NONE), None.NONE, execution);
    Value best = items.next();
    Value bestKey = rule.apply(getter.apply(best));
    while (items.hasNext()) {
      Value item = items.next();
      Value key = rule.apply(getter.apply(item));
      if (Comparison.ordered(operator, key, bestKey, execution.budget())) {
        best = item;
        bestKey = key;
      }
    }
    return best;
  }

  private static Value sum(Value value, Args args, Execution execution) {
    Bound bound = args.bind("sum", "attribute", "start");
    Value sum = bound.or(1, Int.of(0));
    if (sum instanceof Str) {
      throw PyError.type("sum() can't sum strings [use ''.join(seq) instead]");
    }
    Function<Value, Value> getter = Getter.of(bound.or(0, None.NONE), None.NONE, execution);
    Iterator<Value> items = Items.of(value, execution.budget());
    while (items.hasNext()) {
      sum = Operators.binary("+", sum, getter.apply(items.next()), execution.budget());
    }
    return sum;
  }

  private static Value reverse(Value value, Args args, Execution execution) {
    args.bind("reverse");
    if (value instanceof Str text) {
      return Attributes.slice(
          text, new Slice(None.NONE, None.NONE, Int.of(-1)), execution.budget());
    }
    if (!Items.isIterable(value)) {
      throw PyError.value("argument must be iterable");
    }
    List<Value> items = Items.list(value, execution.budget()).reversed();
    String type = value instanceof Seq seq && seq.isList() ? "list_reverseiterator" : "reversed";
    return value instanceof Stream ? Seq.list(items) : new Stream(type, items.iterator());
  }
}
