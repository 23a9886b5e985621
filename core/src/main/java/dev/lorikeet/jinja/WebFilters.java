package dev.lorikeet.jinja;

import dev.lorikeet.jinja.Args.Bound;
import dev.lorikeet.jinja.Filters.Filter;
import dev.lorikeet.jinja.Value.Dict;
import dev.lorikeet.jinja.Value.None;
import dev.lorikeet.jinja.Value.Str;
import dev.lorikeet.jinja.Value.Undefined;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** Filters that Jinja has for web pages, some of which chat templates use nevertheless. */
final class WebFilters {
  private static final Pattern NO_KEY = Pattern.compile("[\\s/>=]");

  private WebFilters() {}

  static void addTo(Map<String, Filter> all) {
    all.put(
        "safe",
        (value, args, execution) -> {
          args.bind("safe");
          return new Str(Repr.str(value, execution.budget()), true);
        });
    all.put("escape", WebFilters::escape);
    all.put("e", WebFilters::escape);
    all.put(
        "forceescape",
        (value, args, execution) -> {
          args.bind("forceescape");
          return escaped(Repr.str(value, execution.budget()), execution);
        });
    all.put("striptags", WebFilters::stripTags);
    all.put("urlencode", WebFilters::urlEncode);
    all.put("xmlattr", WebFilters::xmlAttributes);
    all.put("filesizeformat", WebFilters::fileSize);
  }

  private static Value escape(Value value, Args args, Execution execution) {
    args.bind("escape");
    return value instanceof Str text && text.safe()
        ? text
        : escaped(Repr.str(value, execution.budget()), execution);
  }

  private static Str escaped(String text, Execution execution) {
    execution.budget().text(6L * text.length());
    return new Str(Text.escape(text), true);
  }

  private static Value stripTags(Value value, Args args, Execution execution) {
    args.bind("striptags");
    String text = Repr.str(value, execution.budget());
    execution.budget().text(text.length());
    text = without(without(text, "<!--", "-->"), "<", ">");
    String plain = String.join(" ", Text.words(text, -1));
    return Str.of(
        plain
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&#39;", "'")
            .replace("&#34;", "\"")
            .replace("&quot;", "\"")
            .replace("&amp;", "&"));
  }

  private static String without(String text, String open, String close) {
    StringBuilder kept = new StringBuilder();
    int at = 0;
    while (true) {
      int start = text.indexOf(open, at);
      int end = start < 0 ? -1 : text.indexOf(close, start);
      if (end < 0) {
        return kept.append(text, at, text.length()).toString();
      }
      kept.append(text, at, start);
      at = end + close.length();
    }
  }

  private static Value urlEncode(Value value, Args args, Execution execution) {
    args.bind("urlencode");
    if (value instanceof Str || !Items.isIterable(value)) {
      return Str.of(quoted(Repr.str(value, execution.budget()), "/", execution));
    }
    List<String> parts = new ArrayList<>();
    Value pairs = value instanceof Dict dict ? new Value.View(dict, Value.View.Part.ITEMS) : value;
    for (Value pair : Items.list(pairs, execution.budget())) {
      List<Value> two = Items.list(pair, execution.budget());
      if (two.size() != 2) {
        throw PyError.value("not enough values to unpack (expected 2, got " + two.size() + ")");
      }
      parts.add(
          quoted(Repr.str(two.get(0), execution.budget()), "", execution).replace("%20", "+")
              + "="
              + quoted(Repr.str(two.get(1), execution.budget()), "", execution)
                  .replace("%20", "+"));
    }
    return Str.of(String.join("&", parts));
  }

  private static String quoted(String text, String kept, Execution execution) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    execution.budget().text(3L * bytes.length);
    StringBuilder made = new StringBuilder();
    for (byte b : bytes) {
      char c = (char) (b & 0xff);
      boolean isKept =
          c < 128
              && (Character.isLetterOrDigit(c) || "_.-~".indexOf(c) >= 0 || kept.indexOf(c) >= 0);
      made.append(isKept ? String.valueOf(c) : "%%%02X".formatted((int) c));
    }
    return made.toString();
  }

  private static Value xmlAttributes(Value value, Args args, Execution execution) {
    Bound bound = args.bind("xmlattr", "autospace");
    if (!(value instanceof Dict dict)) {
      throw PyError.type("'" + value.typeName() + "' object has no attribute 'items'");
    }
    List<String> parts = new ArrayList<>();
    for (Dict.Entry entry : dict.entries()) {
      if (entry.value() == None.NONE || entry.value() instanceof Undefined) {
        continue;
      }
      String key = Repr.str(entry.key(), execution.budget());
      if (NO_KEY.matcher(key).find()) {
        throw PyError.value("Invalid character in attribute name: " + Repr.quoted(key));
      }
      String text = Repr.str(entry.value(), execution.budget());
      boolean isSafe = entry.value() instanceof Str safe && safe.safe();
      String shown = isSafe ? text : escaped(text, execution).text();
      parts.add(escaped(key, execution).text() + "=\"" + shown + "\"");
    }
    String made = String.join(" ", parts);
    return Str.of(bound.isTrue(0, true) && !made.isEmpty() ? " " + made : made);
  }

  private static Value fileSize(Value value, Args args, Execution execution) {
    boolean isBinary = args.bind("filesizeformat", "binary").isTrue(0, false);
    double bytes = NumberFilters.toFloat(value, execution);
    double base = isBinary ? 1024 : 1000;
    if (bytes == 1) {
      return Str.of("1 Byte");
    }
    if (bytes < base) {
      return Str.of((long) bytes + " Bytes");
    }
    String letters = isBinary ? "KMGTPEZY" : "kMGTPEZY";
    int power = 1;
    while (power < letters.length() && bytes >= Math.pow(base, power + 1.0)) {
      power++;
    }
    FormatSpec tenths = FormatSpec.parse(".1f");
    return Str.of(
        tenths.real(base * bytes / Math.pow(base, power + 1.0))
            + " "
            + letters.charAt(power - 1)
            + (isBinary ? "iB" : "B"));
  }
}
