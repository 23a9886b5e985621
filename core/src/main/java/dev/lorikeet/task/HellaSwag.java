package dev.lorikeet.task;

import dev.lorikeet.error.DataException;
import dev.lorikeet.jinja.Text;
import dev.lorikeet.task.ShotRule.Draw;
import dev.lorikeet.task.TaskInfo.Source;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** HellaSwag: which of four endings goes on from a description of what somebody does. */
final class HellaSwag {
  private static final Source SOURCE =
      new Source("Rowan/hellaswag", "MIT", "https://arxiv.org/abs/1905.07830");
  private static final Pattern BRACKETS = Pattern.compile("\\[.*?\\]", Pattern.UNIX_LINES);

  /** Lines of a document in the cleaned layout: context, label, four endings. */
  private static final int CLEANED_LINES = 6;

  private HellaSwag() {}

  static List<Task> tasks() {
    return List.of(task("1", Era.TODAY), task("0", Era.OF_2023));
  }

  private static Task task(String version, Era era) {
    TaskInfo info =
        new TaskInfo(
            era.name("hellaswag"),
            version,
            "HellaSwag: the right one of four endings of a scene",
            SOURCE,
            List.of(Metric.ACC, Metric.ACC_NORM),
            0,
            ShotRule.of(era, era == Era.TODAY ? Draw.SAMPLE_OTHERS : Draw.SAMPLE));
    return new DocumentTask(
        info, "", data -> docs(data, validation()), data -> docs(data, train()));
  }

  private static DataFile validation() {
    return new DataFile(
        "hellaswag",
        "the validation split of HellaSwag",
        List.of(
            "hellaswag/hellaswag_val.jsonl",
            "hellaswag/validation.jsonl",
            "hellaswag/hellaswag_val_full.txt",
            "hellaswag/hellaswag_val_full.txt.bz2"),
        "https://github.com/rowanz/hellaswag (data/hellaswag_val.jsonl)");
  }

  private static DataFile train() {
    return new DataFile(
        "hellaswag",
        "the training split of HellaSwag for its examples",
        List.of("hellaswag/hellaswag_train.jsonl", "hellaswag/train.jsonl"),
        "https://github.com/rowanz/hellaswag (data/hellaswag_train.jsonl)");
  }

  private static List<Doc> docs(TaskData data, DataFile file) {
    Path found = data.find(file);
    if (!found.toString().endsWith(".jsonl")) {
      return cleaned(found);
    }
    List<Doc> docs = new ArrayList<>();
    for (TaskRecord record : JsonFileReader.records(found)) {
      List<String> endings = record.texts("endings").stream().map(HellaSwag::withoutMarks).toList();
      String context = record.text("ctx_a") + " " + Text.capitalize(record.text("ctx_b"));
      docs.add(
          Choices.doc(
              record,
              withoutMarks(record.text("activity_label") + ": " + context),
              endings,
              record.index("label", endings.size())));
    }
    return docs;
  }

  private static List<Doc> cleaned(Path file) {
    List<String> lines = TaskData.text(file).lines().toList();
    if (lines.size() % CLEANED_LINES != 0) {
      throw new DataException(
          "%s: expected %d lines a document, found %d lines in all; the file is cut off"
              .formatted(file, CLEANED_LINES, lines.size()));
    }
    List<Doc> docs = new ArrayList<>();
    for (int i = 0; i < lines.size(); i += CLEANED_LINES) {
      List<String> document = lines.subList(i, i + CLEANED_LINES);
      String label = document.get(1);
      if (!label.matches("[0-3]")) {
        throw new DataException(
            "%s, line %d: expected a label 0 to 3, found %s".formatted(file, i + 2, label));
      }
      List<String> endings =
          document.subList(2, CLEANED_LINES).stream().map(HellaSwag::withoutMarks).toList();
      docs.add(
          Choices.doc(
              List.copyOf(document),
              withoutMarks(document.getFirst()),
              endings,
              Integer.parseInt(label)));
    }
    return docs;
  }

  /** Text without the marks that its source WikiHow left in it. */
  private static String withoutMarks(String text) {
    String plain = Text.strip(text, Text::isSpace).replace(" [title]", ". ");
    return BRACKETS.matcher(plain).replaceAll("").replace("  ", " ");
  }
}
