package dev.lorikeet.task;

import dev.lorikeet.task.Metric.Better;
import dev.lorikeet.task.ShotRule.Draw;
import dev.lorikeet.task.TaskInfo.Source;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * GSM8K: word problems of grade school, answered in words with a number at the end.
 *
 * <p>{@code exact_match_strict} takes the first number behind {@code ####}, {@code
 * exact_match_flexible} the last number of the output. In 2023 a colon ended the output, no
 * examples were the default, and only the strict match, called acc, existed.
 */
final class Gsm8k {
  private static final Source SOURCE =
      new Source("openai/gsm8k (main)", "MIT", "https://arxiv.org/abs/2110.14168");

  /** What lm-evaluation-harness generates at most. */
  private static final int MAX_TOKENS = 256;

  private static final List<String> STOPS = List.of("Question:", "</s>", "<|im_end|>");
  private static final List<String> STOPS_2023 = List.of(":", "Question:", "Question");

  private static final Pattern MARKED = Pattern.compile("#### (-?[0-9.,]+)");
  private static final Pattern NUMBER = Pattern.compile("(-?[$0-9.,]{2,})|(-?[0-9]+)");
  private static final String NONE = "[invalid]";

  /** Deleted from output and answer, one after the other, before they are compared. */
  private static final List<Pattern> IGNORED =
      List.of(
          Pattern.compile(","),
          Pattern.compile("\\$"),
          Pattern.compile(".*#### ", Pattern.DOTALL),
          Pattern.compile("\\.$", Pattern.UNIX_LINES));

  private Gsm8k() {}

  static List<Task> tasks() {
    TaskInfo today =
        new TaskInfo(
            "gsm8k",
            "3",
            "GSM8K: the number that solves a word problem",
            SOURCE,
            List.of(
                new Metric("exact_match_strict", Aggregation.MEAN, Better.HIGHER),
                new Metric("exact_match_flexible", Aggregation.MEAN, Better.HIGHER)),
            5,
            ShotRule.of(Era.TODAY, Draw.SAMPLE));
    TaskInfo of2023 =
        new TaskInfo(
            Era.OF_2023.name("gsm8k"),
            "0",
            "GSM8K: the marked number that solves a word problem",
            SOURCE,
            List.of(Metric.ACC),
            0,
            ShotRule.of(Era.OF_2023, Draw.SAMPLE));
    return List.of(task(today, Era.TODAY), task(of2023, Era.OF_2023));
  }

  private static Task task(TaskInfo info, Era era) {
    return new DocumentTask(
        info, "", data -> docs(data, "test", era), data -> docs(data, "train", era));
  }

  private static List<Doc> docs(TaskData data, String split, Era era) {
    DataFile file =
        new DataFile(
            "gsm8k",
            "the " + split + " split of GSM8K",
            List.of("gsm8k/" + split + ".jsonl"),
            "https://github.com/openai/grade-school-math (grade_school_math/data/"
                + split
                + ".jsonl)");
    return data.records(file).stream().map(record -> doc(record, era)).toList();
  }

  private static Doc doc(TaskRecord record, Era era) {
    String question = "Question: " + record.text("question") + "\nAnswer:";
    String answer = record.text("answer");
    List<String> stops = era == Era.TODAY ? STOPS : STOPS_2023;
    return new Doc(
        record,
        question + " " + answer + "\n\n",
        (id, preamble) ->
            new Item(
                id,
                List.of(new Request.Generation(preamble + question, stops, MAX_TOKENS)),
                compared(answer),
                answers -> score(generated(answers.getFirst()), answer, era)));
  }

  private static String generated(Answer answer) {
    if (answer instanceof Answer.Generated generated) {
      return generated.text();
    }
    throw new IllegalArgumentException("expected a generated text, found " + answer);
  }

  private static Map<String, MetricValue> score(String output, String answer, Era era) {
    if (era == Era.OF_2023) {
      boolean isRight = marked(output).replace(",", "").equals(marked(answer).replace(",", ""));
      return Map.of("acc", MetricValue.of(isRight));
    }
    String expected = compared(answer);
    Map<String, MetricValue> values = new LinkedHashMap<>();
    values.put("exact_match_strict", MetricValue.of(compared(marked(output)).equals(expected)));
    values.put("exact_match_flexible", MetricValue.of(compared(last(output)).equals(expected)));
    return values;
  }

  /** The first number behind {@code ####}. */
  private static String marked(String output) {
    Matcher matcher = MARKED.matcher(output);
    return matcher.find() ? matcher.group(1) : NONE;
  }

  /** The last number of the output. */
  private static String last(String output) {
    Optional<MatchResult> last = NUMBER.matcher(output).results().reduce((first, next) -> next);
    return last.map(MatchResult::group).orElse(NONE);
  }

  private static String compared(String text) {
    String rest = text;
    for (Pattern pattern : IGNORED) {
      rest = pattern.matcher(rest).replaceAll("");
    }
    return rest.toLowerCase(Locale.ROOT);
  }
}
