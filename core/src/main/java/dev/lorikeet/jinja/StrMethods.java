package dev.lorikeet.jinja;

import dev.lorikeet.jinja.Args.Bound;
import dev.lorikeet.jinja.Value.Bool;
import dev.lorikeet.jinja.Value.Builtin;
import dev.lorikeet.jinja.Value.Dict;
import dev.lorikeet.jinja.Value.Int;
import dev.lorikeet.jinja.Value.None;
import dev.lorikeet.jinja.Value.Seq;
import dev.lorikeet.jinja.Value.Str;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiPredicate;
import java.util.function.IntPredicate;
import java.util.function.UnaryOperator;

/** The methods of str. */
final class StrMethods {
  @FunctionalInterface
  private interface Method {
    Value call(Str self, Args args, Execution execution);
  }

  /** Methods of Python that no chat template needs. */
  private static final List<String> LEFT_OUT =
      List.of("encode", "expandtabs", "maketrans", "translate");

  private static final Map<String, Method> METHODS = methods();

  private StrMethods() {}

  static Optional<Value> find(Str self, String name, Budget budget) {
    Method method = METHODS.get(name);
    if (method == null) {
      if (LEFT_OUT.contains(name)) {
        return Optional.of(
            new Builtin(
                name,
                (args, execution) -> {
                  throw PyError.type("str." + name + " is not available in chat templates here");
                }));
      }
      return Optional.empty();
    }
    return Optional.of(
        new Builtin(
            name,
            (args, execution) -> {
              long longest = 0;
              for (Value given : args.positional()) {
                longest = Math.max(longest, given instanceof Str text ? text.text().length() : 0);
              }
              budget.search(self.text().length(), longest);
              return method.call(self, args, execution);
            }));
  }

  private static Map<String, Method> methods() {
    Map<String, Method> methods = new LinkedHashMap<>();
    change(methods, "upper", text -> text.toUpperCase(Locale.ROOT));
    change(methods, "lower", text -> text.toLowerCase(Locale.ROOT));
    change(methods, "casefold", text -> text.toUpperCase(Locale.ROOT).toLowerCase(Locale.ROOT));
    change(methods, "capitalize", Text::capitalize);
    change(methods, "title", Text::title);
    change(methods, "swapcase", Text::swapCase);
    methods.put("strip", (self, args, execution) -> strip("strip", self, args));
    methods.put("lstrip", (self, args, execution) -> strip("lstrip", self, args));
    methods.put("rstrip", (self, args, execution) -> strip("rstrip", self, args));
    methods.put("split", (self, args, execution) -> split("split", self, args, execution));
    methods.put("rsplit", (self, args, execution) -> split("rsplit", self, args, execution));
    methods.put("splitlines", StrMethods::splitLines);
    methods.put("partition", (self, args, execution) -> partition("partition", self, args));
    methods.put("rpartition", (self, args, execution) -> partition("rpartition", self, args));
    methods.put("join", StrMethods::join);
    methods.put("replace", StrMethods::replace);
    methods.put("removeprefix", (self, args, execution) -> withoutPrefix(self, args));
    methods.put("removesuffix", (self, args, execution) -> withoutSuffix(self, args));
    affixes(methods);
    searches(methods);
    methods.put("center", (self, args, execution) -> pad("center", self, args, execution));
    methods.put("ljust", (self, args, execution) -> pad("ljust", self, args, execution));
    methods.put("rjust", (self, args, execution) -> pad("rjust", self, args, execution));
    methods.put("zfill", StrMethods::zeroFill);
    methods.put("format", (self, args, execution) -> BraceFormat.of(self, args, execution));
    methods.put(
        "format_map",
        (self, args, execution) ->
            BraceFormat.of(self, new Args(List.of(), named(args)), execution));
    classes(methods);
    return methods;
  }

  private static void affixes(Map<String, Method> methods) {
    methods.put(
        "startswith",
        (self, args, execution) -> affix("startswith", self, args, execution, String::startsWith));
    methods.put(
        "endswith",
        (self, args, execution) -> affix("endswith", self, args, execution, String::endsWith));
  }

  private static void searches(Map<String, Method> methods) {
    methods.put("find", (self, args, execution) -> Int.of(search("find", self, args)));
    methods.put("rfind", (self, args, execution) -> Int.of(search("rfind", self, args)));
    methods.put("index", (self, args, execution) -> found(search("index", self, args)));
    methods.put("rindex", (self, args, execution) -> found(search("rindex", self, args)));
    methods.put("count", StrMethods::count);
  }

  private static Value withoutPrefix(Str self, Args args) {
    String prefix = args.bind("removeprefix", "!prefix").text(0);
    boolean has = self.text().startsWith(prefix);
    return has ? self.with(self.text().substring(prefix.length())) : self;
  }

  private static Value withoutSuffix(Str self, Args args) {
    String suffix = args.bind("removesuffix", "!suffix").text(0);
    boolean has = self.text().endsWith(suffix);
    int end = self.text().length() - suffix.length();
    return has ? self.with(self.text().substring(0, end)) : self;
  }

  private static void change(
      Map<String, Method> methods, String name, UnaryOperator<String> change) {
    methods.put(
        name,
        (self, args, execution) -> {
          args.bind(name);
          return self.with(change.apply(self.text()));
        });
  }

  private static void classes(Map<String, Method> methods) {
    all(methods, "isspace", Text::isSpace);
    all(methods, "isdigit", Character::isDigit);
    all(methods, "isdecimal", Character::isDigit);
    all(methods, "isnumeric", StrMethods::isNumeric);
    all(methods, "isalpha", Character::isLetter);
    all(methods, "isalnum", c -> Character.isLetter(c) || isNumeric(c));
    test(methods, "isascii", text -> text.chars().allMatch(c -> c < 128));
    test(methods, "isprintable", text -> text.codePoints().allMatch(Repr::isPrintable));
    test(methods, "isidentifier", Lexer::isIdentifier);
    test(methods, "isupper", StrMethods::isUpper);
    test(methods, "islower", StrMethods::isLower);
    test(
        methods,
        "istitle",
        text -> text.codePoints().anyMatch(Text::hasCase) && Text.title(text).equals(text));
  }

  static boolean isUpper(String text) {
    return text.codePoints().anyMatch(Text::hasCase)
        && text.codePoints().filter(Text::hasCase).allMatch(Character::isUpperCase);
  }

  static boolean isLower(String text) {
    return text.codePoints().anyMatch(Text::hasCase)
        && text.codePoints().filter(Text::hasCase).allMatch(Character::isLowerCase);
  }

  private static boolean isNumeric(int c) {
    int type = Character.getType(c);
    return type == Character.DECIMAL_DIGIT_NUMBER
        || type == Character.LETTER_NUMBER
        || type == Character.OTHER_NUMBER;
  }

  private static void all(Map<String, Method> methods, String name, IntPredicate test) {
    test(methods, name, text -> !text.isEmpty() && text.codePoints().allMatch(test));
  }

  @FunctionalInterface
  private interface TextTest {
    boolean holds(String text);
  }

  private static void test(Map<String, Method> methods, String name, TextTest test) {
    methods.put(
        name,
        (self, args, execution) -> {
          args.bind(name);
          return Bool.of(test.holds(self.text()));
        });
  }

  private static Map<String, Value> named(Args args) {
    Map<String, Value> named = new LinkedHashMap<>();
    if (args.bind("format_map", "!mapping").get(0) instanceof Dict dict) {
      for (Dict.Entry entry : dict.entries()) {
        if (entry.key() instanceof Str key) {
          named.put(key.text(), entry.value());
        }
      }
      return named;
    }
    throw PyError.type("format_map() argument must be a dict");
  }

  /** What {@code chars} says is stripped: white space where it is None. */
  static IntPredicate stripped(Optional<Value> chars) {
    if (chars.isEmpty()) {
      return Text::isSpace;
    }
    if (chars.get() instanceof Str set) {
      return c -> set.text().indexOf(c) >= 0;
    }
    throw PyError.type("strip arg must be None or str");
  }

  private static Value strip(String name, Str self, Args args) {
    IntPredicate stripped = stripped(args.bind(name, "chars").orNone(0));
    return self.with(
        switch (name) {
          case "lstrip" -> Text.stripStart(self.text(), stripped);
          case "rstrip" -> Text.stripEnd(self.text(), stripped);
          default -> Text.strip(self.text(), stripped);
        });
  }

  private static Value split(String name, Str self, Args args, Execution execution) {
    Bound bound = args.bind(name, "sep", "maxsplit");
    int most = bound.integer(1, -1);
    boolean isFromEnd = name.equals("rsplit");
    Optional<Value> separator = bound.orNone(0);
    List<String> parts;
    if (separator.isEmpty()) {
      parts = isFromEnd ? Text.wordsFromEnd(self.text(), most) : Text.words(self.text(), most);
    } else if (separator.get() instanceof Str text) {
      parts =
          isFromEnd
              ? Text.splitFromEnd(self.text(), text.text(), most)
              : Text.split(self.text(), text.text(), most);
    } else {
      throw PyError.type("must be str or None, not " + separator.get().typeName());
    }
    return strings(self, parts, execution);
  }

  private static Value strings(Str self, List<String> parts, Execution execution) {
    execution.budget().items(parts.size());
    List<Value> items = new ArrayList<>(parts.size());
    parts.forEach(part -> items.add(self.with(part)));
    return Seq.list(items);
  }

  private static Value splitLines(Str self, Args args, Execution execution) {
    boolean keepEnds = args.bind("splitlines", "keepends").isTrue(0, false);
    return strings(self, Text.lines(self.text(), keepEnds), execution);
  }

  private static Value partition(String name, Str self, Args args) {
    String separator = args.bind(name, "!sep").text(0);
    if (separator.isEmpty()) {
      throw PyError.value("empty separator");
    }
    String text = self.text();
    boolean isFromEnd = name.equals("rpartition");
    int at = isFromEnd ? text.lastIndexOf(separator) : text.indexOf(separator);
    if (at < 0) {
      Value none = self.with("");
      return isFromEnd ? Seq.tuple(none, none, self) : Seq.tuple(self, none, none);
    }
    return Seq.tuple(
        self.with(text.substring(0, at)),
        self.with(separator),
        self.with(text.substring(at + separator.length())));
  }

  private static Value join(Str self, Args args, Execution execution) {
    StringBuilder made = new StringBuilder();
    Iterator<Value> items = Items.of(args.bind("join", "!iterable").get(0), execution.budget());
    for (int index = 0; items.hasNext(); index++) {
      Value item = items.next();
      if (!(item instanceof Str text)) {
        throw PyError.type(
            "sequence item %d: expected str instance, %s found".formatted(index, item.typeName()));
      }
      made.append(index == 0 ? "" : self.text());
      String part = self.safe() && !text.safe() ? Text.escape(text.text()) : text.text();
      execution.budget().text((long) self.text().length() + part.length());
      execution.budget().fits(made.append(part).length());
    }
    return self.with(made.toString());
  }

  private static Value replace(Str self, Args args, Execution execution) {
    Bound bound = args.bind("replace", "!old", "!new", "count");
    String replacement = bound.text(1);
    boolean isEscaped = self.safe() && bound.get(1) instanceof Str text && !text.safe();
    return self.with(
        Text.replace(
            self.text(),
            bound.text(0),
            isEscaped ? Text.escape(replacement) : replacement,
            bound.integer(2, -1),
            execution.budget()));
  }

  private static Value affix(
      String name, Str self, Args args, Execution execution, BiPredicate<String, String> test) {
    Bound bound = args.bind(name, "!prefix", "start", "end");
    Str part = part(self, bound, execution);
    List<Value> wanted =
        bound.get(0) instanceof Seq seq && !seq.isList() ? seq.items() : List.of(bound.get(0));
    for (Value one : wanted) {
      if (!(one instanceof Str text)) {
        throw PyError.type(
            "%s first arg must be str or a tuple of str, not %s".formatted(name, one.typeName()));
      }
      if (test.test(part.text(), text.text())) {
        return Bool.TRUE;
      }
    }
    return Bool.FALSE;
  }

  private static Str part(Str self, Bound bound, Execution execution) {
    if (bound.find(1).isEmpty() && bound.find(2).isEmpty()) {
      return self;
    }
    Value.Slice slice = new Value.Slice(bound.or(1, None.NONE), bound.or(2, None.NONE), None.NONE);
    return (Str) Attributes.slice(self, slice, execution.budget());
  }

  private static int search(String name, Str self, Args args) {
    Bound bound = args.bind(name, "!sub", "start", "end");
    String text = self.text();
    int length = text.codePointCount(0, text.length());
    int start = inside(bound.orNone(1).map(Bound::integer).orElse(0), length);
    int end = inside(bound.orNone(2).map(Bound::integer).orElse(length), length);
    if (start > end) {
      return -1;
    }
    int from = text.offsetByCodePoints(0, start);
    String part = text.substring(from, text.offsetByCodePoints(from, end - start));
    String wanted = bound.text(0);
    int at = name.startsWith("r") ? part.lastIndexOf(wanted) : part.indexOf(wanted);
    return at < 0 ? -1 : start + part.codePointCount(0, at);
  }

  private static int inside(int index, int length) {
    return index < 0 ? Math.max(0, index + length) : Math.min(index, length + 1);
  }

  private static Value found(int index) {
    if (index < 0) {
      throw PyError.value("substring not found");
    }
    return Int.of(index);
  }

  private static Value count(Str self, Args args, Execution execution) {
    Bound bound = args.bind("count", "!sub", "start", "end");
    String part = part(self, bound, execution).text();
    String wanted = bound.text(0);
    if (wanted.isEmpty()) {
      return Int.of(part.codePointCount(0, part.length()) + 1L);
    }
    int count = 0;
    for (int at = part.indexOf(wanted); at >= 0; at = part.indexOf(wanted, at + wanted.length())) {
      count++;
    }
    return Int.of(count);
  }

  private static Value pad(String name, Str self, Args args, Execution execution) {
    Bound bound = args.bind(name, "!width", "fillchar");
    String fill = bound.find(1).isPresent() ? bound.text(1) : " ";
    if (fill.codePointCount(0, fill.length()) != 1) {
      throw PyError.type("The fill character must be exactly one character long");
    }
    int width = Math.max(0, Bound.integer(bound.get(0)));
    int missing = width - self.text().codePointCount(0, self.text().length());
    if (missing <= 0) {
      return self;
    }
    int left =
        switch (name) {
          case "ljust" -> 0;
          case "rjust" -> missing;
          default -> missing / 2 + (missing & width & 1);
        };
    String before = Text.repeat(fill, left, execution.budget());
    return self.with(before + self.text() + Text.repeat(fill, missing - left, execution.budget()));
  }

  private static Value zeroFill(Str self, Args args, Execution execution) {
    int width = Math.max(0, Bound.integer(args.bind("zfill", "!width").get(0)));
    String text = self.text();
    boolean isSigned = text.startsWith("-") || text.startsWith("+");
    int missing = width - text.codePointCount(0, text.length());
    String zeros = Text.repeat("0", missing, execution.budget());
    return self.with(isSigned ? text.charAt(0) + zeros + text.substring(1) : zeros + text);
  }
}
