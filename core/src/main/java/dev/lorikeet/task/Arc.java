package dev.lorikeet.task;

import dev.lorikeet.task.ShotRule.Draw;
import dev.lorikeet.task.TaskInfo.Source;
import java.util.ArrayList;
import java.util.List;

/** ARC: science questions of school exams, the easy set and the challenge set. */
final class Arc {
  private static final Source SOURCE =
      new Source("allenai/ai2_arc", "CC-BY-SA-4.0", "https://arxiv.org/abs/1803.05457");

  private Arc() {}

  static List<Task> tasks() {
    List<Task> tasks = new ArrayList<>();
    for (String set : List.of("Easy", "Challenge")) {
      tasks.add(task(set, "1", Era.TODAY));
      tasks.add(task(set, "0", Era.OF_2023));
    }
    return tasks;
  }

  private static Task task(String set, String version, Era era) {
    String name = set.equals("Easy") ? "arc_easy" : "arc_challenge";
    TaskInfo info =
        new TaskInfo(
            era.name(name),
            version,
            "ARC, " + set + " set: the right answer to a science question",
            SOURCE,
            List.of(Metric.ACC, Metric.ACC_NORM),
            0,
            ShotRule.of(era, Draw.SAMPLE));
    return new DocumentTask(
        info,
        "",
        data -> docs(data, name, set, "Test", "the test split"),
        data -> docs(data, name, set, "Train", "the training split, for examples,"));
  }

  private static List<Doc> docs(
      TaskData data, String name, String set, String split, String content) {
    String published = "ARC-" + set + "-" + split + ".jsonl";
    String hubSplit = split.equals("Test") ? "test.jsonl" : "train.jsonl";
    DataFile file =
        new DataFile(
            name,
            content + " of ARC-" + set,
            List.of("arc/" + published, "arc/ARC-" + set + "/" + hubSplit),
            "https://allenai.org/data/arc (ARC-" + set + "/" + published + ")");
    return data.records(file).stream().map(Arc::doc).toList();
  }

  private static Doc doc(TaskRecord record) {
    List<String> texts = new ArrayList<>();
    List<String> labels = new ArrayList<>();
    String question;
    // The authors' layout nests the question and has one object a choice; the hub has two lists.
    if (record.hasObject("question")) {
      TaskRecord nested = record.child("question");
      question = nested.text("stem");
      for (TaskRecord choice : nested.children("choices")) {
        texts.add(choice.text("text"));
        labels.add(choice.text("label"));
      }
    } else {
      question = record.text("question");
      texts.addAll(record.child("choices").texts("text"));
      labels.addAll(record.child("choices").texts("label"));
    }
    String key = record.text("answerKey");
    int gold = labels.indexOf(key);
    if (gold < 0 || texts.size() != labels.size()) {
      throw record.problem(
          "answerKey must be one of the %d labels %s, found %s"
              .formatted(texts.size(), labels, key));
    }
    return Choices.doc(record, "Question: " + question + "\nAnswer:", texts, gold);
  }
}
