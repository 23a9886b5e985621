package dev.lorikeet.jinja;

import dev.lorikeet.jinja.Value.Bool;
import dev.lorikeet.jinja.Value.Callable;
import dev.lorikeet.jinja.Value.Dict;
import dev.lorikeet.jinja.Value.Int;
import dev.lorikeet.jinja.Value.Namespace;
import dev.lorikeet.jinja.Value.None;
import dev.lorikeet.jinja.Value.Range;
import dev.lorikeet.jinja.Value.Real;
import dev.lorikeet.jinja.Value.Seq;
import dev.lorikeet.jinja.Value.Slice;
import dev.lorikeet.jinja.Value.Str;
import dev.lorikeet.jinja.Value.Stream;
import dev.lorikeet.jinja.Value.Undefined;
import dev.lorikeet.jinja.Value.View;

/** Python's {@code bool()}. */
final class Truth {
  private Truth() {}

  static boolean of(Value value) {
    return switch (value) {
      case None _ -> false;
      case Bool truth -> truth.isTrue();
      case Int number -> number.value().signum() != 0;
      case Real number -> number.value() != 0;
      case Str text -> !text.text().isEmpty();
      case Seq seq -> !seq.items().isEmpty();
      case Dict dict -> dict.size() > 0;
      case View view -> view.dict().size() > 0;
      case Range range -> range.size() > 0;
      case Undefined _ -> false;
      case Stream _, Namespace _, Slice _, Callable _ -> true;
    };
  }
}
