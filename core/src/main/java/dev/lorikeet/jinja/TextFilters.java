package dev.lorikeet.jinja;

import dev.lorikeet.jinja.Args.Bound;
import dev.lorikeet.jinja.Filters.Filter;
import dev.lorikeet.jinja.Value.Dict;
import dev.lorikeet.jinja.Value.Int;
import dev.lorikeet.jinja.Value.None;
import dev.lorikeet.jinja.Value.Seq;
import dev.lorikeet.jinja.Value.Str;
import dev.lorikeet.jinja.Value.Undefined;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Filters that make text from text. */
final class TextFilters {
  private static final Pattern WORD_BEGINS =
      Pattern.compile("[-\\s({\\[<]+", Pattern.UNICODE_CHARACTER_CLASS);
  private static final Pattern WORD = Pattern.compile("\\w+", Pattern.UNICODE_CHARACTER_CLASS);

  private TextFilters() {}

  static void addTo(Map<String, Filter> all) {
    all.put(
        "upper",
        (value, args, execution) -> {
          args.bind("upper");
          Str text = text(value, execution);
          return text.with(text.text().toUpperCase(Locale.ROOT));
        });
    all.put(
        "lower",
        (value, args, execution) -> {
          args.bind("lower");
          Str text = text(value, execution);
          return text.with(text.text().toLowerCase(Locale.ROOT));
        });
    all.put(
        "capitalize",
        (value, args, execution) -> {
          args.bind("capitalize");
          Str text = text(value, execution);
          return text.with(Text.capitalize(text.text()));
        });
    all.put("title", TextFilters::title);
    addMore(all);
  }

  private static void addMore(Map<String, Filter> all) {

    all.put(
        "string",
        (value, args, execution) -> {
          args.bind("string");
          return text(value, execution);
        });
    all.put(
        "trim",
        (value, args, execution) -> {
          Str text = text(value, execution);
          execution.budget().search(text.text().length(), longest(args));
          return text.with(
              Text.strip(text.text(), StrMethods.stripped(args.bind("trim", "chars").orNone(0))));
        });
    all.put("replace", TextFilters::replace);
    all.put("indent", TextFilters::indent);
    all.put("join", TextFilters::join);
    all.put("center", TextFilters::center);
    all.put("truncate", TextFilters::truncate);
    all.put(
        "wordcount",
        (value, args, execution) -> {
          args.bind("wordcount");
          return Int.of(WORD.matcher(text(value, execution).text()).results().count());
        });
    all.put("format", TextFilters::format);
  }

  private static long longest(Args args) {
    return args.positional().stream()
        .mapToLong(given -> given instanceof Str text ? text.text().length() : 0)
        .max()
        .orElse(0);
  }

  /** {@code soft_str}: a text stays what it is. */
  static Str text(Value value, Execution execution) {
    Str text = value instanceof Str already ? already : Str.of(Repr.str(value, execution.budget()));
    execution.budget().text(text.text().length());
    return text;
  }

  private static Value title(Value value, Args args, Execution execution) {
    args.bind("title");
    String text = text(value, execution).text();
    StringBuilder made = new StringBuilder();
    Matcher between = WORD_BEGINS.matcher(text);
    int at = 0;
    while (between.find()) {
      appendTitled(text.substring(at, between.start()), made);
      made.append(between.group());
      at = between.end();
    }
    appendTitled(text.substring(at), made);
    return Str.of(made.toString());
  }

  private static void appendTitled(String word, StringBuilder made) {
    if (!word.isEmpty()) {
      int first = Character.charCount(word.codePointAt(0));
      made.append(word.substring(0, first).toUpperCase(Locale.ROOT))
          .append(word.substring(first).toLowerCase(Locale.ROOT));
    }
  }

  private static Value replace(Value value, Args args, Execution execution) {
    Bound bound = args.bind("replace", "!old", "!new", "count");
    execution.budget().search(text(value, execution).text().length(), longest(args));
    return Str.of(
        Text.replace(
            text(value, execution).text(),
            Repr.str(bound.get(0), execution.budget()),
            Repr.str(bound.get(1), execution.budget()),
            bound.orNone(2).map(Bound::integer).orElse(-1),
            execution.budget()));
  }

  private static Value indent(Value value, Args args, Execution execution) {
    Bound bound = args.bind("indent", "width", "first", "blank");
    Value width = bound.or(0, Int.of(4));
    String indention =
        width instanceof Str text
            ? text.text()
            : Text.repeat(" ", Bound.integer(width), execution.budget());
    if (value instanceof Undefined undefined) {
      throw undefined.error();
    }
    if (!(value instanceof Str subject)) {
      throw PyError.type(
          "unsupported operand type(s) for +=: '" + value.typeName() + "' and 'str'");
    }
    List<String> lines = Text.lines(subject.text() + "\n", false);
    execution.budget().text(subject.text().length() + (long) lines.size() * indention.length());
    boolean isBlankToo = bound.isTrue(2, false);
    StringBuilder made = new StringBuilder(bound.isTrue(1, false) ? indention : "");
    for (int i = 0; i < lines.size(); i++) {
      if (i > 0) {
        made.append('\n').append(isBlankToo || !lines.get(i).isEmpty() ? indention : "");
      }
      made.append(lines.get(i));
    }
    return subject.with(made.toString());
  }

  private static Value join(Value value, Args args, Execution execution) {
    Bound bound = args.bind("join", "d", "attribute");
    String separator = Repr.str(bound.or(0, Str.of("")), execution.budget());
    Iterator<Value> items = Items.of(value, execution.budget());
    if (bound.orNone(1).isPresent()) {
      items = Items.map(items, Getter.of(bound.get(1), None.NONE, execution));
    }
    StringBuilder made = new StringBuilder();
    for (boolean isFirst = true; items.hasNext(); isFirst = false) {
      String item = Repr.str(items.next(), execution.budget());
      execution.budget().text((long) separator.length() + item.length());
      made.append(isFirst ? "" : separator).append(item);
      execution.budget().fits(made.length());
    }
    return Str.of(made.toString());
  }

  private static Value center(Value value, Args args, Execution execution) {
    Bound bound = args.bind("center", "width");
    Str text = text(value, execution);
    return StrMethods.find(text, "center", execution.budget()).orElseThrow()
            instanceof Value.Builtin center
        ? center.call(Args.of(bound.or(0, Int.of(80))), execution)
        : text;
  }

  private static Value truncate(Value value, Args args, Execution execution) {
    Bound bound = args.bind("truncate", "length", "killwords", "end", "leeway");
    int length = bound.integer(0, 255);
    String end = bound.find(2).isPresent() ? bound.text(2) : "...";
    int leeway = bound.orNone(3).map(Bound::integer).orElse(5);
    int ending = end.codePointCount(0, end.length());
    if (length < ending || leeway < 0) {
      throw PyError.value(
          length < ending
              ? "expected length >= " + ending + ", got " + length
              : "expected leeway >= 0, got " + leeway);
    }
    if (Items.requiredLength(value, execution.budget()) <= (long) length + leeway) {
      return value;
    }
    if (!(value instanceof Str text)) {
      throw PyError.type("truncate needs a text, found " + value.typeName());
    }
    execution.budget().text(text.text().length());
    int cut = text.text().offsetByCodePoints(0, length - ending);
    String kept = text.text().substring(0, cut);
    if (!bound.isTrue(1, false)) {
      kept = Text.splitFromEnd(kept, " ", 1).getFirst();
    }
    return text.with(kept + end);
  }

  private static Value format(Value value, Args args, Execution execution) {
    if (!args.positional().isEmpty() && !args.named().isEmpty()) {
      throw PyError.value("can't handle positional and keyword arguments at the same time");
    }
    Value values = new Seq(Seq.Kind.TUPLE, args.positional());
    if (!args.named().isEmpty()) {
      Dict dict = new Dict();
      args.named().forEach((name, item) -> dict.put(Str.of(name), item, execution.budget()));
      values = dict;
    }
    return PercentFormat.of(text(value, execution), values, execution.budget());
  }
}
