package dev.lorikeet.task;

import dev.lorikeet.error.DataException;
import dev.lorikeet.task.ShotRule.Draw;
import dev.lorikeet.task.TaskInfo.Source;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** PIQA: which of two ways reaches an everyday goal. */
final class Piqa {
  private static final Source SOURCE =
      new Source("baber/piqa", "AFL-3.0", "https://arxiv.org/abs/1911.11641");

  private Piqa() {}

  static List<Task> tasks() {
    return List.of(task("1", Era.TODAY), task("0", Era.OF_2023));
  }

  private static Task task(String version, Era era) {
    TaskInfo info =
        new TaskInfo(
            era.name("piqa"),
            version,
            "PIQA: the right one of two ways to a goal",
            SOURCE,
            List.of(Metric.ACC, Metric.ACC_NORM),
            0,
            ShotRule.of(era, era == Era.TODAY ? Draw.SAMPLE_OTHERS : Draw.SAMPLE));
    return new DocumentTask(
        info,
        "",
        data -> docs(data, "valid", "the validation split of PIQA"),
        data -> docs(data, "train", "the training split of PIQA for its examples"));
  }

  private static List<Doc> docs(TaskData data, String split, String content) {
    String hubSplit = split.equals("valid") ? "validation" : split;
    DataFile file =
        new DataFile(
            "piqa",
            content,
            List.of("piqa/" + split + ".jsonl", "piqa/" + hubSplit + ".jsonl"),
            "https://yonatanbisk.com/piqa/ (with its -labels.lst beside)");
    Path found = data.find(file);
    List<TaskRecord> records = JsonFileReader.records(found);
    boolean isLabelled = !records.isEmpty() && records.getFirst().has("label");
    List<Integer> labels = isLabelled ? List.of() : labels(found, split, records.size());
    List<Doc> docs = new ArrayList<>();
    for (TaskRecord record : records) {
      docs.add(
          Choices.doc(
              record,
              "Question: " + record.text("goal") + "\nAnswer:",
              List.of(record.text("sol1"), record.text("sol2")),
              isLabelled ? record.index("label", 2) : labels.get(docs.size())));
    }
    return docs;
  }

  private static List<Integer> labels(Path file, String split, int count) {
    Path labelFile = file.resolveSibling(split + "-labels.lst");
    List<Integer> labels = new ArrayList<>();
    for (String line : TaskData.text(labelFile).lines().toList()) {
      if (!line.equals("0") && !line.equals("1")) {
        throw new DataException(
            "%s, line %d: expected 0 or 1, found %s".formatted(labelFile, labels.size() + 1, line));
      }
      labels.add(Integer.parseInt(line));
    }
    if (labels.size() != count) {
      throw new DataException(
          "%s has %d labels, but %s has %d questions; download both again"
              .formatted(labelFile, labels.size(), file, count));
    }
    return labels;
  }
}
