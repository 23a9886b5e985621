package dev.lorikeet.task;

import dev.lorikeet.jinja.Text;
import dev.lorikeet.task.Metric.Better;
import dev.lorikeet.task.ShotRule.Draw;
import dev.lorikeet.task.TaskInfo.Source;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * WikiText-2: perplexity of whole articles. A page is scored without the marks of tokenisation, but
 * its words and bytes are counted with them.
 */
final class WikiText {
  private static final Source SOURCE =
      new Source(
          "EleutherAI/wikitext_document_level (wikitext-2-raw-v1)",
          "CC-BY-SA-3.0",
          "https://arxiv.org/abs/1609.07843");

  /** What Python takes for white space. */
  private static final String SPACE =
      "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";

  private static final Pattern SPACES = Pattern.compile(SPACE + "+");

  /** Replaced one after the other; regular expressions stand between texts. */
  private static final List<String[]> PUNCTUATION =
      List.of(
          new String[] {" @-@ ", "-"},
          new String[] {" @,@ ", ","},
          new String[] {" @.@ ", "."},
          new String[] {" : ", ": "},
          new String[] {" ; ", "; "},
          new String[] {" . ", ". "},
          new String[] {" ! ", "! "},
          new String[] {" ? ", "? "},
          new String[] {" , ", ", "});

  private static final List<String[]> OTHERS =
      List.of(
          new String[] {"= = = =", "===="},
          new String[] {"= = =", "==="},
          new String[] {"= =", "=="},
          new String[] {" ° ", "°"},
          new String[] {" \n", "\n"},
          new String[] {"\n ", "\n"},
          new String[] {" N ", " 1 "},
          new String[] {" 's", "'s"});

  private static final Pattern SLASHED = Pattern.compile("/' [0-9]/");
  private static final List<Pattern> ENCLOSED =
      List.of(
          enclosed("\\(", "[^\\)]", "\\)"),
          enclosed("\\[", "[^\\]]", "\\]"),
          enclosed("\\{", "[^}]", "\\}"),
          enclosed("\"", "[^\"]", "\""),
          enclosed("'", "[^']", "'"));

  private WikiText() {}

  private static Pattern enclosed(String open, String inside, String close) {
    return Pattern.compile(
        "(" + open + ")" + SPACE + "*(" + inside + "*?)" + SPACE + "*(" + close + ")");
  }

  static List<Task> tasks() {
    TaskInfo info =
        new TaskInfo(
            "wikitext",
            "2",
            "WikiText-2: perplexity of articles",
            SOURCE,
            List.of(
                new Metric("word_perplexity", Aggregation.WEIGHTED_PERPLEXITY, Better.LOWER),
                new Metric("byte_perplexity", Aggregation.WEIGHTED_PERPLEXITY, Better.LOWER),
                new Metric("bits_per_byte", Aggregation.BITS_PER_BYTE, Better.LOWER)),
            0,
            ShotRule.today(Draw.NONE));
    return List.of(new DocumentTask(info, "", WikiText::docs, data -> List.of()));
  }

  private static List<Doc> docs(TaskData data) {
    DataFile file =
        new DataFile(
            "wikitext",
            "the test split of WikiText-2",
            List.of(
                "wikitext/test.jsonl",
                "wikitext/wiki.test.raw",
                "wikitext2/wiki.test.raw",
                "wikitext2/test.txt"),
            "EleutherAI/wikitext_document_level on the Hugging Face hub, as JSON lines with"
                + " \"page\", or wiki.test.raw of wikitext-2-raw-v1");
    Path found = data.find(file);
    if (found.toString().endsWith(".jsonl")) {
      return JsonFileReader.records(found).stream().map(each -> doc(each.text("page"))).toList();
    }
    return pages(TaskData.text(found)).stream().map(WikiText::doc).toList();
  }

  /** Articles of the published file: each begins with a line {@code = Title =}. */
  static List<String> pages(String text) {
    List<String> pages = new ArrayList<>();
    List<String> lines = new ArrayList<>();
    for (String line : text.split("\n", -1)) {
      String heading = Text.strip(line.replace("= = =", "===").replace("= =", "=="), Text::isSpace);
      if (heading.startsWith("= ") && heading.endsWith(" =")) {
        addPage(pages, lines);
        lines.clear();
      }
      lines.add(line);
    }
    addPage(pages, lines);
    return pages;
  }

  private static void addPage(List<String> pages, List<String> lines) {
    String page = String.join("\n", lines);
    if (!Text.strip(page, Text::isSpace).isEmpty()) {
      pages.add(page);
    }
  }

  private static Doc doc(String page) {
    int words = words(page);
    int bytes = page.getBytes(StandardCharsets.UTF_8).length;
    return new Doc(
        page,
        "",
        (id, preamble) ->
            new Item(
                id,
                List.of(new Request.Rolling(detokenised(page))),
                "",
                answers -> score(answers.getFirst(), words, bytes)));
  }

  /** Parts between runs of white space, the empty ones at both ends included. */
  private static int words(String page) {
    return (int) SPACES.matcher(page).results().count() + 1;
  }

  private static Map<String, MetricValue> score(Answer answer, int words, int bytes) {
    if (!(answer instanceof Answer.Rolled rolled)) {
      throw new IllegalArgumentException("expected a rolling log-likelihood, found " + answer);
    }
    Map<String, MetricValue> values = new LinkedHashMap<>();
    values.put("word_perplexity", new MetricValue(rolled.logProbability(), words));
    values.put("byte_perplexity", new MetricValue(rolled.logProbability(), bytes));
    values.put("bits_per_byte", new MetricValue(rolled.logProbability(), bytes));
    return values;
  }

  /** The page as it was before it was tokenised, as far as rules can tell. */
  static String detokenised(String page) {
    String text = page.replace("s '", "s'");
    text = SLASHED.matcher(text).replaceAll("/'[0-9]/");
    text = replaced(text, PUNCTUATION);
    for (Pattern pattern : ENCLOSED) {
      text = pattern.matcher(text).replaceAll("$1$2$3");
    }
    return replaced(text, OTHERS);
  }

  private static String replaced(String text, List<String[]> pairs) {
    String changed = text;
    for (String[] pair : pairs) {
      changed = changed.replace(pair[0], pair[1]);
    }
    return changed;
  }
}
