package dev.lorikeet.task;

import dev.lorikeet.jinja.Text;
import dev.lorikeet.task.ShotRule.Draw;
import dev.lorikeet.task.TaskGroup.Weighting;
import dev.lorikeet.task.TaskInfo.Source;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * MMLU: examination questions with four answers in 57 subjects, of which the letter is scored.
 *
 * <p>Examples are the first questions of the subject's development split, at most five.
 */
final class Mmlu {
  private static final Source SOURCE =
      new Source("cais/mmlu", "MIT", "https://arxiv.org/abs/2009.03300");
  private static final List<String> LETTERS = List.of("A", "B", "C", "D");

  private static final Map<String, List<String>> SUBJECTS =
      Map.of(
          "stem",
          words(
              """
              abstract_algebra anatomy astronomy college_biology college_chemistry
              college_computer_science college_mathematics college_physics computer_security
              conceptual_physics electrical_engineering elementary_mathematics
              high_school_biology high_school_chemistry high_school_computer_science
              high_school_mathematics high_school_physics high_school_statistics
              machine_learning\
              """),
          "humanities",
          words(
              """
              formal_logic high_school_european_history high_school_us_history
              high_school_world_history international_law jurisprudence logical_fallacies
              moral_disputes moral_scenarios philosophy prehistory professional_law
              world_religions\
              """),
          "social_sciences",
          words(
              """
              econometrics high_school_geography high_school_government_and_politics
              high_school_macroeconomics high_school_microeconomics high_school_psychology
              human_sexuality professional_psychology public_relations security_studies
              sociology us_foreign_policy\
              """),
          "other",
          words(
              """
              business_ethics clinical_knowledge college_medicine global_facts human_aging
              management marketing medical_genetics miscellaneous nutrition
              professional_accounting professional_medicine virology\
              """));

  private Mmlu() {}

  private static List<String> words(String text) {
    return List.of(text.split("\\s+"));
  }

  static List<Task> tasks() {
    return SUBJECTS.values().stream().flatMap(List::stream).sorted().map(Mmlu::task).toList();
  }

  static List<TaskGroup> groups() {
    List<TaskGroup> groups = new ArrayList<>();
    List<String> all = new ArrayList<>();
    new TreeMap<>(SUBJECTS)
        .forEach((area, subjects) -> {
          List<String> names = subjects.stream().map(each -> "mmlu_" + each).toList();
          groups.add(new TaskGroup("mmlu_" + area, "2", names, Weighting.BY_SIZE));
          all.addAll(names);
        });
    groups.add(new TaskGroup("mmlu", "2", all, Weighting.BY_SIZE));
    return groups;
  }

  private static Task task(String subject) {
    TaskInfo info =
        new TaskInfo(
            "mmlu_" + subject,
            "1",
            "MMLU: " + subject.replace('_', ' '),
            SOURCE,
            List.of(Metric.ACC),
            0,
            ShotRule.today(Draw.FIRST));
    String description =
        "The following are multiple choice questions (with answers) about %s.\n\n"
            .formatted(subject.replace('_', ' '));
    return new DocumentTask(
        info, description, data -> docs(data, subject, "test"), data -> docs(data, subject, "dev"));
  }

  private static List<Doc> docs(TaskData data, String subject, String split) {
    DataFile file =
        new DataFile(
            "mmlu_" + subject,
            "the " + split + " split of " + subject,
            List.of(
                "mmlu/%s/%s_%s.csv".formatted(split, subject, split),
                "mmlu/%s/%s.jsonl".formatted(subject, split)),
            "https://people.eecs.berkeley.edu/~hendrycks/data.tar, its folder data as mmlu");
    Path found = data.find(file);
    if (found.toString().endsWith(".csv")) {
      return CsvRows.of(found).stream().map(Mmlu::doc).toList();
    }
    return JsonFileReader.records(found).stream().map(Mmlu::doc).toList();
  }

  private static Doc doc(CsvRows.Row row) {
    List<String> fields = row.fields();
    if (fields.size() != 6 || !LETTERS.contains(fields.getLast())) {
      throw row.problem(
          "expected a question, four answers and a letter A to D, found %d fields %s"
              .formatted(fields.size(), fields));
    }
    int gold = LETTERS.indexOf(fields.getLast());
    return doc(row.fields(), fields.getFirst(), fields.subList(1, 5), gold);
  }

  private static Doc doc(TaskRecord record) {
    List<String> answers = record.texts("choices");
    if (answers.size() != LETTERS.size()) {
      throw record.problem("expected four choices, found " + answers.size());
    }
    int gold = record.index("answer", LETTERS.size());
    return doc(record, record.text("question"), answers, gold);
  }

  private static Doc doc(Object content, String question, List<String> answers, int gold) {
    StringBuilder shown = new StringBuilder(Text.strip(question, Text::isSpace));
    for (int i = 0; i < LETTERS.size(); i++) {
      shown.append("\n%s. %s".formatted(LETTERS.get(i), answers.get(i)));
    }
    return Choices.doc(content, shown.append("\nAnswer:").toString(), LETTERS, gold);
  }
}
