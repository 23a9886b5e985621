package dev.lorikeet.task;

import dev.lorikeet.jinja.Text;
import dev.lorikeet.task.ShotRule.Draw;
import dev.lorikeet.task.TaskInfo.Source;
import java.util.List;
import java.util.Map;

/**
 * WinoGrande: which of two names fills a blank. Partial scoring: each name ends a context, and the
 * text behind the blank is scored after it (Trinh and Le 2018).
 */
final class WinoGrande {
  private static final Source SOURCE =
      new Source("allenai/winogrande (winogrande_xl)", "CC-BY", "https://arxiv.org/abs/1907.10641");

  private WinoGrande() {}

  static List<Task> tasks() {
    return List.of(task("1", Era.TODAY), task("0", Era.OF_2023));
  }

  private static Task task(String version, Era era) {
    TaskInfo info =
        new TaskInfo(
            era.name("winogrande"),
            version,
            "WinoGrande: the right one of two names in a blank",
            SOURCE,
            List.of(Metric.ACC),
            0,
            ShotRule.of(era, era == Era.TODAY ? Draw.SAMPLE_OTHERS : Draw.SAMPLE));
    return new DocumentTask(
        info,
        "",
        data -> docs(data, "the validation split", "dev.jsonl", "validation.jsonl"),
        data -> docs(data, "the training split, for examples,", "train_xl.jsonl", "train.jsonl"));
  }

  private static List<Doc> docs(TaskData data, String content, String published, String hub) {
    DataFile file =
        new DataFile(
            "winogrande",
            content + " of WinoGrande",
            List.of("winogrande/" + published, "winogrande/" + hub),
            "https://storage.googleapis.com/ai2-mosaic/public/winogrande/winogrande_1.1.zip");
    return data.records(file).stream().map(WinoGrande::doc).toList();
  }

  private static Doc doc(TaskRecord record) {
    String sentence = record.text("sentence");
    int blank = sentence.indexOf('_');
    if (blank < 0) {
      throw record.problem("\"sentence\" must have a blank _, found " + sentence);
    }
    String tail = " " + Text.strip(sentence.substring(blank + 1), Text::isSpace);
    List<String> starts =
        List.of(
            sentence.substring(0, blank) + record.text("option1"),
            sentence.substring(0, blank) + record.text("option2"));
    int gold = record.index("answer", 3) - 1;
    if (gold < 0) {
      throw record.problem("\"answer\" must be 1 or 2, found 0");
    }
    return new Doc(
        record,
        starts.get(gold) + tail + "\n\n",
        (id, preamble) ->
            new Item(
                id,
                starts.stream()
                    .<Request>map(start -> new Request.LogLikelihood(preamble + start, tail))
                    .toList(),
                record.text("option" + (gold + 1)),
                answers ->
                    Map.of(
                        "acc",
                        MetricValue.of(Choices.first(Choices.logProbabilities(answers)) == gold))));
  }
}
