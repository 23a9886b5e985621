package dev.lorikeet.model;

import java.util.function.Function;

/**
 * Something that layers with a window and layers that see everything have each of their own.
 *
 * @param sliding of layers with a window
 * @param full of layers without
 */
record ByReach<T>(T sliding, T full) {

  static <T> ByReach<T> same(T value) {
    return new ByReach<>(value, value);
  }

  T of(boolean slides) {
    return slides ? sliding : full;
  }

  /** Both changed; what was the same stays the same. */
  <R> ByReach<R> map(Function<T, R> change) {
    if (sliding.equals(full)) {
      return same(change.apply(full));
    }
    return new ByReach<>(change.apply(sliding), change.apply(full));
  }
}
