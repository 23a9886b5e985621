package dev.lorikeet.jinja;

import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/** Items whose source is not looked at before the first of them is asked for. */
final class Deferred implements Iterator<Value> {
  private Optional<Supplier<Iterator<Value>>> source;
  private Iterator<Value> items = List.<Value>of().iterator();

  Deferred(Supplier<Iterator<Value>> source) {
    this.source = Optional.of(source);
  }

  private Iterator<Value> items() {
    if (source.isPresent()) {
      Supplier<Iterator<Value>> begun = source.get();
      source = Optional.empty();
      items = begun.get();
    }
    return items;
  }

  @Override
  public boolean hasNext() {
    return items().hasNext();
  }

  @Override
  public Value next() {
    return items().next();
  }
}
