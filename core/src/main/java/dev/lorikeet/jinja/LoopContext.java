package dev.lorikeet.jinja;

import dev.lorikeet.jinja.Value.Bool;
import dev.lorikeet.jinja.Value.Builtin;
import dev.lorikeet.jinja.Value.Int;
import dev.lorikeet.jinja.Value.Seq;
import dev.lorikeet.jinja.Value.Undefined;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * The {@code loop} of a loop. Items come as late as possible: only {@code last}, {@code nextitem}
 * and the length look ahead.
 */
final class LoopContext implements Value.Callable, Iterator<Value> {
  private final Value iterable;
  private final Budget budget;
  private final int depth0;
  private final Optional<Function<Value, Value>> recursion;
  private Iterator<Value> items;
  private Optional<Value> after = Optional.empty();
  private Optional<Value> before = Optional.empty();
  private Optional<Value> current = Optional.empty();
  private Optional<Value> lastChanged = Optional.empty();
  private long length = -1;
  private long index0 = -1;

  LoopContext(
      Value iterable, Budget budget, int depth0, Optional<Function<Value, Value>> recursion) {
    this.iterable = iterable;
    this.budget = budget;
    this.depth0 = depth0;
    this.recursion = recursion;
    this.items = Items.of(iterable, budget);
  }

  @Override
  public boolean hasNext() {
    return after.isPresent() || items.hasNext();
  }

  @Override
  public Value next() {
    Value next = after.isPresent() ? after.get() : items.next();
    after = Optional.empty();
    index0++;
    before = current;
    current = Optional.of(next);
    return next;
  }

  private Optional<Value> peek() {
    if (after.isEmpty() && items.hasNext()) {
      after = Optional.of(items.next());
    }
    return after;
  }

  long length() {
    if (length < 0) {
      length =
          Items.length(iterable)
              .orElseGet(() -> {
                List<Value> rest = new ArrayList<>();
                items.forEachRemaining(rest::add);
                budget.items(rest.size());
                items = rest.iterator();
                return rest.size() + index0 + 1 + (after.isPresent() ? 1 : 0);
              });
    }
    return length;
  }

  @Override
  public Optional<Value> attribute(String name) {
    return Optional.ofNullable(
        switch (name) {
          case "index" -> Int.of(index0 + 1);
          case "index0" -> Int.of(index0);
          case "revindex" -> Int.of(length() - index0);
          case "revindex0" -> Int.of(length() - index0 - 1);
          case "first" -> Bool.of(index0 == 0);
          case "last" -> Bool.of(peek().isEmpty());
          case "length" -> Int.of(length());
          case "depth" -> Int.of(depth0 + 1L);
          case "depth0" -> Int.of(depth0);
          case "previtem" ->
              index0 == 0 ? Undefined.of("there is no previous item") : before.orElseThrow();
          case "nextitem" -> peek().orElseGet(() -> Undefined.of("there is no next item"));
          case "cycle" -> new Builtin("cycle", (args, execution) -> cycle(args));
          case "changed" -> new Builtin("changed", (args, execution) -> changed(args));
          default -> null;
        });
  }

  private Value cycle(Args args) {
    if (args.positional().isEmpty()) {
      throw PyError.type("no items for cycling given");
    }
    return args.positional().get((int) (index0 % args.positional().size()));
  }

  private Value changed(Args args) {
    Value now = new Seq(Seq.Kind.TUPLE, args.positional());
    boolean isSame = lastChanged.isPresent() && Comparison.equal(lastChanged.get(), now, budget);
    lastChanged = Optional.of(now);
    return Bool.of(!isSame);
  }

  @Override
  public String type() {
    return "LoopContext";
  }

  @Override
  public String text() {
    return "<LoopContext " + (index0 + 1) + "/" + length() + ">";
  }

  @Override
  public Value call(Args args, Execution execution) {
    Value inner = args.bind("loop", "!iterable").get(0);
    return recursion
        .orElseThrow(() ->
            PyError.type("The loop must have the 'recursive' marker to be called recursively."))
        .apply(inner);
  }
}
