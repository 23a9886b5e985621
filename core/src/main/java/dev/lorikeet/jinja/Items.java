package dev.lorikeet.jinja;

import dev.lorikeet.jinja.Value.Dict;
import dev.lorikeet.jinja.Value.Range;
import dev.lorikeet.jinja.Value.Seq;
import dev.lorikeet.jinja.Value.Str;
import dev.lorikeet.jinja.Value.Stream;
import dev.lorikeet.jinja.Value.Undefined;
import dev.lorikeet.jinja.Value.View;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.OptionalLong;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.LongStream;

/** Python's {@code iter()} and {@code len()}. */
final class Items {
  private Items() {}

  static boolean isIterable(Value value) {
    return switch (value) {
      case Str _, Seq _, Dict _, View _, Range _, Stream _, Undefined _ -> true;
      default -> false;
    };
  }

  /** The items of {@code value} one by one, each of which is counted. */
  static Iterator<Value> of(Value value, Budget budget) {
    budget.spend(
        value instanceof Dict || value instanceof View ? 1 + length(value).orElse(0) / 8 : 1);
    Iterator<Value> items =
        switch (value) {
          case Str text ->
              text.text()
                  .codePoints()
                  .<Value>mapToObj(c -> text.with(Character.toString(c)))
                  .iterator();
          case Seq seq -> seq.items().iterator();
          case Dict dict -> new View(dict, View.Part.KEYS).items().iterator();
          case View view -> view.items().iterator();
          case Range range -> LongStream.range(0, range.size()).mapToObj(range::at).iterator();
          case Stream stream -> stream.iterator();
          case Undefined _ -> List.<Value>of().iterator();
          default -> throw PyError.type("'" + value.typeName() + "' object is not iterable");
        };
    return new Counted(items, budget);
  }

  private record Counted(Iterator<Value> items, Budget budget) implements Iterator<Value> {
    @Override
    public boolean hasNext() {
      return items.hasNext();
    }

    @Override
    public Value next() {
      budget.spend(1);
      return items.next();
    }
  }

  static List<Value> list(Value value, Budget budget) {
    List<Value> list = new ArrayList<>();
    Iterator<Value> items = of(value, budget);
    while (items.hasNext()) {
      list.add(items.next());
    }
    budget.items(list.size());
    return list;
  }

  /** Items that pass, looked for no earlier than asked for. */
  static Iterator<Value> filter(Iterator<Value> items, Predicate<Value> test) {
    return new Iterator<>() {
      private Iterator<Value> found = List.<Value>of().iterator();

      @Override
      public boolean hasNext() {
        while (!found.hasNext() && items.hasNext()) {
          Value item = items.next();
          if (test.test(item)) {
            found = List.of(item).iterator();
          }
        }
        return found.hasNext();
      }

      @Override
      public Value next() {
        if (!hasNext()) {
          throw new NoSuchElementException();
        }
        return found.next();
      }
    };
  }

  static Iterator<Value> map(Iterator<Value> items, Function<Value, Value> change) {
    return new Iterator<>() {
      @Override
      public boolean hasNext() {
        return items.hasNext();
      }

      @Override
      public Value next() {
        return change.apply(items.next());
      }
    };
  }

  /** {@code len()}; empty where Python has none. */
  static OptionalLong length(Value value) {
    return switch (value) {
      case Str text -> OptionalLong.of(text.text().codePointCount(0, text.text().length()));
      case Seq seq -> OptionalLong.of(seq.items().size());
      case Dict dict -> OptionalLong.of(dict.size());
      case View view -> OptionalLong.of(view.dict().size());
      case Range range -> OptionalLong.of(range.size());
      case Undefined _ -> OptionalLong.of(0);
      case LoopContext loop -> OptionalLong.of(loop.length());
      default -> OptionalLong.empty();
    };
  }

  static long requiredLength(Value value, Budget budget) {
    budget.spend(value instanceof Str text ? 1 + text.text().length() / 256 : 1);
    return length(value)
        .orElseThrow(() -> PyError.type("object of type '" + value.typeName() + "' has no len()"));
  }
}
