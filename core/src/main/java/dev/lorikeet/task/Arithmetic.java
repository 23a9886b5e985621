package dev.lorikeet.task;

import dev.lorikeet.jinja.Text;
import dev.lorikeet.task.ShotRule.Draw;
import dev.lorikeet.task.TaskGroup.Weighting;
import dev.lorikeet.task.TaskInfo.Source;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Arithmetic of GPT-3's paper: every token of the result is the most likely one. */
final class Arithmetic {
  private static final Source SOURCE =
      new Source("EleutherAI/arithmetic", "none stated", "https://arxiv.org/abs/2005.14165");

  private static final Map<String, String> FILES = files();

  private Arithmetic() {}

  private static Map<String, String> files() {
    Map<String, String> files = new LinkedHashMap<>();
    files.put("1dc", "single_digit_three_ops");
    files.put("2da", "two_digit_addition");
    files.put("2ds", "two_digit_subtraction");
    files.put("2dm", "two_digit_multiplication");
    files.put("3da", "three_digit_addition");
    files.put("3ds", "three_digit_subtraction");
    files.put("4da", "four_digit_addition");
    files.put("4ds", "four_digit_subtraction");
    files.put("5da", "five_digit_addition");
    files.put("5ds", "five_digit_subtraction");
    return files;
  }

  static List<Task> tasks() {
    List<Task> tasks = new ArrayList<>();
    FILES.forEach((operation, file) -> {
      tasks.add(task(operation, file, "2", Era.TODAY));
      tasks.add(task(operation, file, "0", Era.OF_2023));
    });
    return tasks;
  }

  static List<TaskGroup> groups() {
    List<String> names = FILES.keySet().stream().map(each -> "arithmetic_" + each).toList();
    return List.of(new TaskGroup("arithmetic", "", names, Weighting.NONE));
  }

  private static Task task(String operation, String file, String version, Era era) {
    TaskInfo info =
        new TaskInfo(
            era.name("arithmetic_" + operation),
            version,
            "Arithmetic: the exact result, " + file.replace('_', ' '),
            SOURCE,
            List.of(Metric.ACC),
            0,
            ShotRule.of(era, Draw.SAMPLE_OTHERS));
    return new DocumentTask(
        info, "", data -> docs(data, operation, file), data -> docs(data, operation, file));
  }

  private static List<Doc> docs(TaskData data, String operation, String name) {
    DataFile file =
        new DataFile(
            "arithmetic_" + operation,
            "the problems of " + name.replace('_', ' '),
            List.of("arithmetic/" + name + ".jsonl"),
            "https://github.com/openai/gpt-3 (data/" + name + ".jsonl)");
    return data.records(file).stream().map(Arithmetic::doc).toList();
  }

  private static Doc doc(TaskRecord record) {
    String context = written(record.text("context"));
    // The completion begins with its own space.
    String completion = record.text("completion");
    return new Doc(
        record,
        context + completion + "\n\n",
        (id, preamble) ->
            new Item(
                id,
                List.of(new Request.LogLikelihood(preamble + context, completion)),
                Text.strip(completion, Text::isSpace),
                answers ->
                    Map.of("acc", MetricValue.of(Choices.scored(answers.getFirst()).isGreedy()))));
  }

  /** The context as the data set's loader writes it. */
  private static String written(String context) {
    return Text.strip(context, Text::isSpace)
        .replace("\n\n", "\n")
        .replace("Q:", "Question:")
        .replace("A:", "Answer:");
  }
}
