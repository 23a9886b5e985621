package dev.lorikeet.jinja;

import dev.lorikeet.jinja.Args.Bound;
import dev.lorikeet.jinja.Value.Builtin;
import dev.lorikeet.jinja.Value.Dict;
import dev.lorikeet.jinja.Value.Int;
import dev.lorikeet.jinja.Value.None;
import dev.lorikeet.jinja.Value.Range;
import dev.lorikeet.jinja.Value.Seq;
import dev.lorikeet.jinja.Value.View;
import java.util.Iterator;
import java.util.Optional;

/** The methods of dict, list, tuple and range that change nothing. */
final class ContainerMethods {
  private ContainerMethods() {}

  static Optional<Value> find(Dict dict, String name) {
    return switch (name) {
      case "get" ->
          method(
              name,
              (args, execution) -> {
                Bound bound = args.bind("get", "!key", "default");
                return dict.get(bound.get(0), execution.budget()).orElse(bound.or(1, None.NONE));
              });
      case "keys" -> view(dict, name, View.Part.KEYS);
      case "values" -> view(dict, name, View.Part.VALUES);
      case "items" -> view(dict, name, View.Part.ITEMS);
      case "copy" ->
          method(
              name,
              (args, execution) -> {
                args.bind("copy");
                return dict;
              });
      case "fromkeys" ->
          method(
              name,
              (args, execution) -> {
                Bound bound = args.bind("fromkeys", "!iterable", "value");
                Dict made = new Dict();
                Iterator<Value> keys = Items.of(bound.get(0), execution.budget());
                while (keys.hasNext()) {
                  made.put(keys.next(), bound.or(1, None.NONE), execution.budget());
                }
                return made;
              });
      default -> Optional.empty();
    };
  }

  private static Optional<Value> view(Dict dict, String name, View.Part part) {
    return method(
        name,
        (args, execution) -> {
          args.bind(name);
          return new View(dict, part);
        });
  }

  private static Optional<Value> method(String name, Builtin.Body body) {
    return Optional.of(new Builtin(name, body));
  }

  static Optional<Value> find(Seq seq, String name) {
    return switch (name) {
      case "index" -> method(name, (args, execution) -> index(seq, args, execution));
      case "count" ->
          method(
              name,
              (args, execution) -> {
                Value wanted = args.bind("count", "!value").get(0);
                long count =
                    seq.items().stream()
                        .filter(item -> Comparison.equal(item, wanted, execution.budget()))
                        .count();
                return Int.of(count);
              });
      case "copy" ->
          seq.isList()
              ? method(
                  name,
                  (args, execution) -> {
                    args.bind("copy");
                    return seq;
                  })
              : Optional.empty();
      case "grouper", "list" ->
          seq.kind() == Seq.Kind.GROUP
              ? Optional.of(seq.items().get(name.equals("list") ? 1 : 0))
              : Optional.empty();
      default -> Optional.empty();
    };
  }

  private static Value index(Seq seq, Args args, Execution execution) {
    Bound bound = args.bind("index", "!value", "start", "stop");
    int size = seq.items().size();
    int start = bound.integer(1, 0);
    int stop = bound.integer(2, size);
    for (int i = Math.max(0, start < 0 ? start + size : start);
        i < Math.min(size, stop < 0 ? stop + size : stop);
        i++) {
      if (Comparison.equal(seq.items().get(i), bound.get(0), execution.budget())) {
        return Int.of(i);
      }
    }
    throw PyError.value(
        seq.isList()
            ? Repr.repr(bound.get(0), execution.budget()) + " is not in list"
            : "tuple.index(x): x not in tuple");
  }

  static Optional<Value> find(Range range, String name) {
    return switch (name) {
      case "start" -> Optional.of(Int.of(range.start()));
      case "stop" -> Optional.of(Int.of(range.stop()));
      case "step" -> Optional.of(Int.of(range.step()));
      default -> Optional.empty();
    };
  }
}
