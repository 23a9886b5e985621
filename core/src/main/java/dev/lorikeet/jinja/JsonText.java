package dev.lorikeet.jinja;

import dev.lorikeet.jinja.Args.Bound;
import dev.lorikeet.jinja.Value.Bool;
import dev.lorikeet.jinja.Value.Dict;
import dev.lorikeet.jinja.Value.Int;
import dev.lorikeet.jinja.Value.None;
import dev.lorikeet.jinja.Value.Real;
import dev.lorikeet.jinja.Value.Seq;
import dev.lorikeet.jinja.Value.Str;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** {@code tojson} as transformers defines it: Python's {@code json.dumps}. */
final class JsonText {
  private final StringBuilder out = new StringBuilder();
  private final Budget budget;
  private final boolean isAscii;
  private final boolean isSorted;
  private final Optional<String> indent;
  private final String itemSeparator;
  private final String keySeparator;

  private JsonText(Bound bound, Budget budget) {
    this.budget = budget;
    this.isAscii = bound.isTrue(0, false);
    this.indent = bound.orNone(1).map(value -> indent(value, budget));
    this.isSorted = bound.isTrue(3, false);
    Optional<Value> separators = bound.orNone(2);
    if (separators.isPresent()) {
      List<Value> two = Items.list(separators.get(), budget);
      if (two.size() != 2
          || !(two.get(0) instanceof Str item)
          || !(two.get(1) instanceof Str key)) {
        throw PyError.value("tojson: separators must be two texts, such as (',', ':')");
      }
      this.itemSeparator = item.text();
      this.keySeparator = key.text();
    } else {
      this.itemSeparator = indent.isPresent() ? "," : ", ";
      this.keySeparator = ": ";
    }
  }

  /**
   * The filter: {@code tojson(ensure_ascii=False, indent=None, separators=None, sort_keys=False)}.
   */
  static Value filter(Value value, Args args, Execution execution) {
    Bound bound = args.bind("tojson", "ensure_ascii", "indent", "separators", "sort_keys");
    JsonText json = new JsonText(bound, execution.budget());
    json.write(value, 0);
    return Str.of(json.out.toString());
  }

  private static String indent(Value value, Budget budget) {
    return value instanceof Str text ? text.text() : Text.repeat(" ", Bound.integer(value), budget);
  }

  private void write(Value value, int level) {
    budget.enter();
    int before = out.length();
    switch (value) {
      case None _ -> out.append("null");
      case Bool truth -> out.append(truth.isTrue());
      case Int number -> {
        budget.integer(number.value().bitLength());
        out.append(Repr.integer(number.value()));
      }
      case Real number -> out.append(real(number.value()));
      case Str text -> quote(text.text());
      case Seq seq -> writeList(seq.items(), level);
      case Dict dict -> writeDict(dict, level);
      default ->
          throw PyError.type("Object of type " + value.typeName() + " is not JSON serializable");
    }
    budget.text(out.length() - before);
    budget.fits(out.length());
    budget.leave();
  }

  static String real(double number) {
    if (Double.isNaN(number)) {
      return "NaN";
    }
    return Double.isInfinite(number) ? number > 0 ? "Infinity" : "-Infinity" : Repr.real(number);
  }

  private void writeList(List<Value> items, int level) {
    out.append('[');
    String separator = "";
    for (Value item : items) {
      out.append(separator);
      newLine(level + 1);
      write(item, level + 1);
      separator = itemSeparator;
    }
    if (!items.isEmpty()) {
      newLine(level);
    }
    out.append(']');
  }

  private void writeDict(Dict dict, int level) {
    List<Dict.Entry> entries = new ArrayList<>();
    dict.entries().forEach(entries::add);
    if (isSorted) {
      entries = Sorting.sorted(entries, Dict.Entry::key, false, budget);
    }
    out.append('{');
    String separator = "";
    for (Dict.Entry entry : entries) {
      out.append(separator);
      newLine(level + 1);
      quote(key(entry.key()));
      out.append(keySeparator);
      write(entry.value(), level + 1);
      separator = itemSeparator;
    }
    if (!entries.isEmpty()) {
      newLine(level);
    }
    out.append('}');
  }

  private static String key(Value key) {
    return switch (key) {
      case Str text -> text.text();
      case Real number -> real(number.value());
      case Bool truth -> truth.isTrue() ? "true" : "false";
      case None _ -> "null";
      case Int number -> Repr.integer(number.value());
      default ->
          throw PyError.type("keys must be str, int, float, bool or None, not " + key.typeName());
    };
  }

  private void newLine(int level) {
    if (indent.isPresent()) {
      out.append('\n');
      budget.text((long) level * indent.get().length());
      out.repeat(indent.get(), level);
    }
  }

  private void quote(String text) {
    budget.text(text.length());
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        case '\f' -> out.append("\\f");
        case '\b' -> out.append("\\b");
        default -> {
          if (c < 0x20 || (isAscii && c > 0x7e)) {
            out.append("\\u%04x".formatted((int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append('"');
  }
}
