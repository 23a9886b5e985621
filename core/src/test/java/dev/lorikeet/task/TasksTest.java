package dev.lorikeet.task;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.DataException;
import dev.lorikeet.error.LorikeetException;
import dev.lorikeet.task.TaskGroup.Weighting;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The registry, the sums over items, and what is said of files that are missing or wrong. */
@NullMarked
final class TasksTest {
  @TempDir private Path folder;

  @Test
  void anUnknownTaskNamesTheNearest() {
    ConfigException e = assertThrows(ConfigException.class, () -> Tasks.find("helaswag"));
    assertTrue(
        e.getMessage().startsWith("there is no task helaswag; did you mean hellaswag,"),
        e.getMessage());
    assertThrows(ConfigException.class, () -> Tasks.select("blimp_causativ"));
  }

  @Test
  void aYearIsOnlyNamedWhereTheDefinitionWasAnother() {
    assertEquals("truthfulqa_mc2@2023", Tasks.find("truthfulqa_mc2@2023").info().name());
    assertEquals(
        "task mmlu had the same definition in 2023; name it mmlu",
        assertThrows(ConfigException.class, () -> Tasks.select("mmlu@2023")).getMessage());
    assertEquals(
        "task piqa has no variant @2021; the only year is @2023",
        assertThrows(ConfigException.class, () -> Tasks.find("piqa@2021")).getMessage());
  }

  @Test
  void groupsStandForTheirTasks() {
    Tasks.Selection mmlu = Tasks.select("mmlu");
    assertEquals(57, mmlu.tasks().size());
    assertEquals(
        List.of("mmlu_humanities", "mmlu_other", "mmlu_social_sciences", "mmlu_stem"),
        mmlu.parts().stream().map(TaskGroup::name).toList());
    assertEquals(67, Tasks.select("blimp").tasks().size());
    assertEquals(10, Tasks.select("arithmetic").tasks().size());
    assertEquals(List.of(Tasks.find("piqa")), Tasks.select("piqa").tasks());
    for (TaskGroup group : Tasks.allGroups()) {
      group.tasks().forEach(Tasks::find);
    }
  }

  @Test
  void theDocumentationHasEveryTask() throws IOException {
    String table = Files.readString(Path.of("../docs/tasks.md"));
    for (Task task : Tasks.all()) {
      TaskInfo info = task.info();
      String family = family(info.name());
      String row =
          table
              .lines()
              .filter(line -> line.startsWith("| `" + family + "` |"))
              .findFirst()
              .orElseThrow(() -> new AssertionError("docs/tasks.md has no row of " + family));
      List<String> cells = List.of(row.split("\\s*\\|\\s*"));
      assertEquals(info.version(), cells.get(2), row);
      assertEquals(
          String.join(", ", info.metrics().stream().map(m -> "`" + m.name() + "`").toList()),
          cells.get(3),
          row);
      assertTrue(cells.get(4).startsWith(String.valueOf(info.defaultShots())), row);
      assertEquals(info.source().licence(), cells.get(5), row);
      assertTrue(cells.get(6).contains("(" + info.source().paper() + ")"), row);
    }
  }

  /** The name in the table: tasks of one kind share a row. */
  private static String family(String name) {
    String year = name.endsWith("@2023") ? "@2023" : "";
    for (String family : List.of("mmlu_", "blimp_", "arithmetic_")) {
      if (name.startsWith(family)) {
        return family + "…" + year;
      }
    }
    return name;
  }

  @Test
  void aMissingFileSaysWhatToGetAndWhereToPutIt() {
    assertEquals(
        "task hellaswag needs the validation split of HellaSwag, but there is no"
            + " hellaswag/hellaswag_val.jsonl, no hellaswag/validation.jsonl, no"
            + " hellaswag/hellaswag_val_full.txt, no hellaswag/hellaswag_val_full.txt.bz2 in "
            + folder
            + ". Get it from https://github.com/rowanz/hellaswag (data/hellaswag_val.jsonl) and"
            + " put it at "
            + folder.resolve("hellaswag/hellaswag_val.jsonl"),
        message("hellaswag", 0));
  }

  @Test
  void everyTaskSaysWhatItMisses() {
    for (Task task : Tasks.all()) {
      String message = message(task.info().name(), 0);
      assertTrue(message.contains(" Get it from "), message);
    }
  }

  @Test
  void aPackedFileIsPointedOut() throws IOException {
    write("gsm8k/test.parquet", "PAR1");
    assertTrue(
        message("gsm8k", 0)
            .contains(
                " There is %s, which has to be unpacked to JSON lines first."
                    .formatted(folder.resolve("gsm8k/test.parquet"))));
  }

  @Test
  void wrongRecordsNameFileLineAndKey() throws IOException {
    write("winogrande/dev.jsonl", "{\"sentence\": \"no blank\"}\n");
    assertEquals(
        folder.resolve("winogrande/dev.jsonl")
            + ", line 1: \"sentence\" must have a blank _, found no blank",
        message("winogrande", 0));
    write("winogrande/dev.jsonl", "\n{\"sentence\": \"a _ b\", \"option1\": 3}\n");
    assertEquals(
        folder.resolve("winogrande/dev.jsonl") + ", line 2: \"option1\" must be a text, found 3",
        message("winogrande", 0));
    write("winogrande/dev.jsonl", "{\"option1\": \"x\"}\n");
    assertEquals(
        folder.resolve("winogrande/dev.jsonl")
            + ", line 1: \"sentence\" is missing; the record has option1",
        message("winogrande", 0));
    write("winogrande/dev.jsonl", "[1]");
    assertTrue(message("winogrande", 0).contains("line 1: expected an object {…}, found"));
    write("winogrande/dev.jsonl", "{\"sentence\": ");
    assertTrue(message("winogrande", 0).contains("not valid JSON"), message("winogrande", 0));
    write("winogrande/dev.jsonl", "");
    assertTrue(message("winogrande", 0).contains("no document"), message("winogrande", 0));
  }

  @Test
  void labelsMustBeThoseOfTheChoices() throws IOException {
    write(
        "arc/ARC-Easy-Test.jsonl",
        "{\"question\": {\"stem\": \"?\", \"choices\": [{\"text\": \"a\", \"label\": \"A\"}]},"
            + " \"answerKey\": \"B\"}");
    assertTrue(
        message("arc_easy", 0).endsWith("answerKey must be one of the 1 labels [A], found B"));
    write("mmlu/test/anatomy_test.csv", "q,a,b,c,d,A\nq,a,b,c,d,E\n");
    assertTrue(message("mmlu_anatomy", 0).contains("line 2: expected a question, four answers"));
    write("mmlu/test/anatomy_test.csv", "\"q,a,b,c,d,A\n");
    assertTrue(message("mmlu_anatomy", 0).contains("line 1: a quoted field"));
    write("piqa/valid.jsonl", "{\"goal\": \"g\", \"sol1\": \"a\", \"sol2\": \"b\"}\n");
    write("piqa/valid-labels.lst", "0\n1\n");
    assertTrue(message("piqa", 0).contains("has 2 labels, but"), message("piqa", 0));
  }

  @Test
  void examplesAreOnlyTakenWhereTheTaskHasThem() throws IOException {
    assertEquals(
        "task blimp_causative takes no examples: its definition fixes shots at 0, found 2; leave"
            + " shots out",
        message("blimp_causative", 2));
    write("mmlu/test/anatomy_test.csv", "q,a,b,c,d,A\n");
    write("mmlu/dev/anatomy_dev.csv", "q,a,b,c,d,A\n");
    assertEquals(
        "task mmlu_anatomy with 3 examples needs 3 documents to choose from, found 1; use fewer"
            + " shots",
        message("mmlu_anatomy", 3));
    assertTrue(message("mmlu_anatomy", -1).contains("at least 0"));
  }

  @Test
  void earlierFoldersComeFirst() throws IOException {
    write("one/blimp/causative.jsonl", "{\"sentence_good\": \"A.\", \"sentence_bad\": \"B.\"}");
    write("two/blimp/causative.jsonl", "{\"sentence_good\": \"C.\", \"sentence_bad\": \"D.\"}");
    TaskData data = new TaskData(List.of(folder.resolve("two"), folder.resolve("one")));
    assertEquals("C.", Tasks.find("blimp_causative").items(data, 0).getFirst().expected());
  }

  @Test
  void aggregationsAreTheirFormulas() {
    List<MetricValue> values = List.of(new MetricValue(-6, 2), new MetricValue(-2, 6));
    assertEquals(-4, Aggregation.MEAN.of(values));
    assertEquals(Math.exp(4), Aggregation.PERPLEXITY.of(values), 1e-12);
    assertEquals(Math.E, Aggregation.WEIGHTED_PERPLEXITY.of(values), 1e-12);
    assertEquals(1 / Math.log(2), Aggregation.BITS_PER_BYTE.of(values), 1e-12);
    assertThrows(IllegalArgumentException.class, () -> Aggregation.MEAN.of(List.of()));
  }

  @Test
  void groupsWeighTheirTasksBySizeOrAlike() {
    List<TaskScore> scores =
        List.of(
            new TaskScore("a", 1, Map.of("acc", 1.0)), new TaskScore("b", 3, Map.of("acc", 0.0)));
    List<String> names = List.of("a", "b");
    assertEquals(
        new TaskScore("g", 4, Map.of("acc", 0.25)),
        new TaskGroup("g", "", names, Weighting.BY_SIZE).score(scores));
    assertEquals(
        new TaskScore("g", 4, Map.of("acc", 0.5)),
        new TaskGroup("g", "", names, Weighting.EQUAL).score(scores));
    assertThrows(
        IllegalArgumentException.class,
        () -> new TaskGroup("g", "", names, Weighting.NONE).score(scores));
    assertThrows(
        IllegalArgumentException.class,
        () -> new TaskGroup("g", "", names, Weighting.EQUAL).score(scores.subList(0, 1)));
  }

  @Test
  void answersOfAnotherKindAreRefused() {
    Item item = Tasks.find("winogrande").items(TaskData.of(HarnessFixtures.OWN), 0).getFirst();
    assertThrows(IllegalArgumentException.class, () -> item.score(List.of()));
    List<Answer> texts = List.of(new Answer.Generated("a"), new Answer.Generated("b"));
    assertThrows(IllegalArgumentException.class, () -> item.score(texts));
    assertFalse(item.expected().isEmpty());
  }

  private void write(String path, String text) throws IOException {
    Path file = folder.resolve(path);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }

  private String message(String task, int shots) {
    LorikeetException e =
        assertThrows(
            LorikeetException.class, () -> Tasks.find(task).items(TaskData.of(folder), shots));
    assertTrue(e instanceof DataException || e instanceof ConfigException, e.toString());
    return e.getMessage();
  }
}
