package dev.lorikeet.jinja;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** Names and their values: those of a block, behind which stand those around it. */
final class Scope {
  private final Map<String, Value> values = new HashMap<>();
  private final Optional<Scope> outer;

  private Scope(Optional<Scope> outer) {
    this.outer = outer;
  }

  static Scope root() {
    return new Scope(Optional.empty());
  }

  /** A scope whose names vanish with it. */
  Scope inner() {
    return new Scope(Optional.of(this));
  }

  void set(String name, Value value) {
    values.put(name, value);
  }

  Optional<Value> find(String name) {
    Scope scope = this;
    while (true) {
      Value value = scope.values.get(name);
      if (value != null || scope.outer.isEmpty()) {
        return Optional.ofNullable(value);
      }
      scope = scope.outer.get();
    }
  }
}
