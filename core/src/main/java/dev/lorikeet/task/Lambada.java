package dev.lorikeet.task;

import dev.lorikeet.task.Metric.Better;
import dev.lorikeet.task.ShotRule.Draw;
import dev.lorikeet.task.TaskGroup.Weighting;
import dev.lorikeet.task.TaskInfo.Source;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * LAMBADA: the last word of a passage, in OpenAI's version of the texts and in the original one.
 */
final class Lambada {
  private static final Metric PERPLEXITY =
      new Metric("perplexity", Aggregation.PERPLEXITY, Better.LOWER);
  private static final String PAPER = "https://arxiv.org/abs/1606.06031";

  private Lambada() {}

  static List<Task> tasks() {
    List<Task> tasks = new ArrayList<>();
    for (String kind : List.of("openai", "standard")) {
      tasks.add(task(kind, "1", Era.TODAY));
      tasks.add(task(kind, "0", Era.OF_2023));
    }
    return tasks;
  }

  static List<TaskGroup> groups() {
    return List.of(
        new TaskGroup(
            "lambada", "", List.of("lambada_openai", "lambada_standard"), Weighting.NONE));
  }

  private static Task task(String kind, String version, Era era) {
    boolean isOpenAi = kind.equals("openai");
    Source source =
        isOpenAi
            ? new Source("EleutherAI/lambada_openai", "MIT", PAPER)
            : new Source("cimec/lambada", "CC-BY-4.0", PAPER);
    // Today's harness may draw the document itself among OpenAI's texts, which have one split only.
    Draw draw = era == Era.TODAY ? Draw.SAMPLE : Draw.SAMPLE_OTHERS;
    TaskInfo info =
        new TaskInfo(
            era.name("lambada_" + kind),
            version,
            "LAMBADA: the last word of a passage",
            source,
            List.of(PERPLEXITY, Metric.ACC),
            0,
            ShotRule.of(era, draw));
    DataFile test = isOpenAi ? openAi() : standard("test");
    DataFile pool = isOpenAi ? openAi() : standard("validation");
    return new DocumentTask(info, "", data -> docs(data, test, era), data -> docs(data, pool, era));
  }

  private static DataFile openAi() {
    return new DataFile(
        "lambada_openai",
        "OpenAI's texts of LAMBADA",
        List.of("lambada_test.jsonl", "lambada/lambada_test.jsonl", "lambada_openai/test.jsonl"),
        "https://openaipublic.blob.core.windows.net/gpt-2/data/lambada_test.jsonl");
  }

  private static DataFile standard(String split) {
    return new DataFile(
        "lambada_standard",
        "the " + split + " split of LAMBADA",
        List.of("lambada_standard/" + split + ".jsonl"),
        "cimec/lambada on the Hugging Face hub, as JSON lines with \"text\"");
  }

  private static List<Doc> docs(TaskData data, DataFile file, Era era) {
    return data.records(file).stream().map(record -> doc(record, era)).toList();
  }

  private static Doc doc(TaskRecord record, Era era) {
    String text = record.text("text");
    int last = text.lastIndexOf(' ');
    String context = text.substring(0, Math.max(0, last));
    String word = text.substring(last + 1);
    // Examples of today's harness have the delimiter and the word's own space: two.
    String between = era == Era.TODAY ? "  " : " ";
    return new Doc(
        record,
        context + between + word + "\n\n",
        (id, preamble) ->
            new Item(
                id,
                List.of(new Request.LogLikelihood(preamble + context, " " + word)),
                word,
                Lambada::score));
  }

  private static Map<String, MetricValue> score(List<Answer> answers) {
    Answer.Scored scored = Choices.scored(answers.getFirst());
    Map<String, MetricValue> values = new LinkedHashMap<>();
    values.put("perplexity", MetricValue.of(scored.logProbability()));
    values.put("acc", MetricValue.of(scored.isGreedy()));
    return values;
  }
}
