package dev.lorikeet.metric;

import java.util.List;
import java.util.regex.Pattern;

/**
 * The tokenizer {@code 13a} of sacreBLEU, that of WMT's mteval-v13a: symbols stand alone; points
 * and commas do unless they are inside a number; a dash does behind a digit.
 *
 * @see <a href="https://aclanthology.org/W18-6319/">Post 2018, A call for clarity in reporting BLEU
 *     scores</a>
 */
final class Tokenizer13a {
  private static final List<Rule> RULES =
      List.of(
          rule("([{-~\\[-` -&(-+:-@/])", " $1 "),
          rule("([^0-9])([.,])", "$1 $2 "),
          rule("([.,])([^0-9])", " $1 $2"),
          rule("([0-9])(-)", "$1 $2 "));

  private record Rule(Pattern pattern, String replacement) {}

  private Tokenizer13a() {}

  private static Rule rule(String expression, String replacement) {
    return new Rule(Pattern.compile(expression, Pattern.DOTALL), replacement);
  }

  static List<String> tokens(String text) {
    String line =
        PythonText.stripEnd(text)
            .replace("<skipped>", "")
            .replace("-\n", "")
            .replace("\n", " ")
            .replace("&quot;", "\"")
            .replace("&amp;", "&")
            .replace("&lt;", "<")
            .replace("&gt;", ">");
    line = " " + line + " ";
    for (Rule rule : RULES) {
      line = rule.pattern.matcher(line).replaceAll(rule.replacement);
    }
    return PythonText.split(line);
  }
}
