package dev.lorikeet.jinja;

import dev.lorikeet.jinja.Value.Int;
import dev.lorikeet.jinja.Value.Str;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** {@code "{} {name}".format(...)} as jinja2's sandbox allows it. */
final class BraceFormat {
  private static final int MOST_NESTED = 2;
  private static final Pattern STEP = Pattern.compile("\\.([^.\\[]+)|\\[([^\\]]+)\\]");

  private final Args args;
  private final Execution execution;
  private int next;

  private BraceFormat(Args args, Execution execution) {
    this.args = args;
    this.execution = execution;
  }

  static Value of(Str pattern, Args args, Execution execution) {
    return pattern.with(new BraceFormat(args, execution).made(pattern.text(), 0));
  }

  private String made(String pattern, int depth) {
    if (depth == MOST_NESTED) {
      throw PyError.value("Max string recursion exceeded");
    }
    StringBuilder out = new StringBuilder();
    for (int at = 0; at < pattern.length(); at++) {
      char c = pattern.charAt(at);
      if (c != '{' && c != '}') {
        out.append(c);
      } else if (at + 1 < pattern.length() && pattern.charAt(at + 1) == c) {
        out.append(c);
        at++;
      } else if (c == '}') {
        throw PyError.value("Single '}' encountered in format string");
      } else {
        int end = closing(pattern, at + 1);
        String field = field(pattern.substring(at + 1, end), depth);
        execution.budget().text(field.length());
        execution.budget().fits(out.append(field).length());
        at = end;
      }
    }
    return out.toString();
  }

  private static int closing(String pattern, int start) {
    int open = 1;
    for (int at = start; at < pattern.length(); at++) {
      open += pattern.charAt(at) == '{' ? 1 : pattern.charAt(at) == '}' ? -1 : 0;
      if (open == 0) {
        return at;
      }
    }

    throw PyError.value(
        start == pattern.length()
            ? "Single '{' encountered in format string"
            : "expected '}' before end of string");
  }

  private String field(String field, int depth) {
    int end = 0;
    boolean isInBrackets = false;
    while (end < field.length()
        && (isInBrackets || (field.charAt(end) != '!' && field.charAt(end) != ':'))) {
      isInBrackets = field.charAt(end) == '[' || (isInBrackets && field.charAt(end) != ']');
      end++;
    }
    Value value = value(field.substring(0, end));
    String rest = field.substring(end);
    if (rest.startsWith("!")) {
      String conversion = rest.length() > 1 ? rest.substring(1, 2) : "";
      value =
          Str.of(
              switch (conversion) {
                case "s" -> Repr.str(value, execution.budget());
                case "r", "a" -> Repr.repr(value, execution.budget());
                default -> throw PyError.value("Unknown conversion specifier '" + conversion + "'");
              });
      rest = rest.substring(2);
    }
    String spec = rest.startsWith(":") ? made(rest.substring(1), depth + 1) : "";
    return FormatSpec.parse(spec).format(value, execution.budget());
  }

  private Value value(String path) {
    Matcher step = STEP.matcher(path);
    int end = step.find() ? step.start() : path.length();
    Value value = argument(path.substring(0, end));
    int at = end;
    while (at < path.length()) {
      if (!step.find(at) || step.start() != at) {
        throw PyError.value("Only '.' or '[' may follow ']' in format field specifier");
      }
      String attribute = step.group(1);
      String item = step.group(2);
      value =
          attribute != null
              ? Attributes.attribute(value, attribute, execution.budget())
              : Attributes.item(value, key(String.valueOf(item)), execution.budget());
      at = step.end();
    }
    return value;
  }

  private static Value key(String text) {
    return text.matches("\\d{1,9}") ? Int.of(Long.parseLong(text)) : Str.of(text);
  }

  private Value argument(String name) {
    if (name.isEmpty() || name.matches("\\d{1,9}")) {
      int index = name.isEmpty() ? next++ : Integer.parseInt(name);
      if (index >= args.positional().size()) {
        throw new PyError(PyError.Kind.LOOKUP, "tuple index out of range");
      }
      return args.positional().get(index);
    }
    Value value = args.named().get(name);
    if (value == null) {
      throw new PyError(PyError.Kind.LOOKUP, Repr.quoted(name));
    }
    return value;
  }
}
