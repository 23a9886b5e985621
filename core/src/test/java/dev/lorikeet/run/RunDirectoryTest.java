package dev.lorikeet.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.RunException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunDirectoryTest {
  @TempDir Path temp;

  @Test
  void idIsTimeTechniqueAndModel() {
    RunDirectory run = RunDirectory.create(temp, "lora", "nano", Runs.CLOCK);

    assertEquals("20261122-184233-lora-nano", run.id());
    assertEquals(temp.resolve(run.id()), run.path());
  }

  @Test
  void secondRunOfTheSameSecondGetsANumber() {
    RunDirectory.create(temp, "lora", "nano", Runs.CLOCK);

    assertEquals(
        "20261122-184233-lora-nano-2", RunDirectory.create(temp, "lora", "nano", Runs.CLOCK).id());
    assertEquals(
        "20261122-184233-lora-nano-3", RunDirectory.create(temp, "lora", "nano", Runs.CLOCK).id());
  }

  @Test
  void modelNamesBecomePlainFolderNames() {
    assertEquals(
        "20261122-184233-lora-smollm2-135m",
        RunDirectory.create(temp, "lora", "../SmolLM2 135M/", Runs.CLOCK).id());
    assertEquals(
        "20261122-184233-lora-model", RunDirectory.create(temp, "lora", "模型", Runs.CLOCK).id());
  }

  @Test
  void namedFolderIsTakenExactly() {
    Path folder = temp.resolve("deep/my run");

    RunDirectory run = RunDirectory.createAt(folder, "lora", "nano", Runs.CLOCK);

    assertEquals(folder, run.path());
    assertEquals("20261122-184233-lora-nano", run.id());
  }

  @Test
  void folderOfAnotherRunIsRefused() {
    Path folder = temp.resolve("mine");
    RunDirectory.createAt(folder, "lora", "nano", Runs.CLOCK);

    ConfigException refused =
        assertThrows(
            ConfigException.class, () -> RunDirectory.createAt(folder, "lora", "nano", Runs.CLOCK));

    assertEquals(
        "--out "
            + folder
            + " holds another run, and a run never overwrites files: name a folder that is absent"
            + " or empty, or leave --out away to get a new one under output.dir",
        refused.getMessage());
  }

  @Test
  void folderWithAnyFileIsRefusedAndKept() throws IOException {
    Files.writeString(temp.resolve("thesis.txt"), "years of work");

    ConfigException refused =
        assertThrows(
            ConfigException.class, () -> RunDirectory.createAt(temp, "lora", "nano", Runs.CLOCK));

    assertTrue(Runs.message(refused).contains("is not empty (thesis.txt)"), Runs.message(refused));
    assertEquals("years of work", Files.readString(temp.resolve("thesis.txt")));
    assertFalse(Files.exists(temp.resolve("log.txt")));
  }

  @Test
  void fileInPlaceOfTheFolderIsRefused() throws IOException {
    Path file = Files.writeString(temp.resolve("file"), "x");

    ConfigException out =
        assertThrows(
            ConfigException.class, () -> RunDirectory.createAt(file, "lora", "nano", Runs.CLOCK));
    ConfigException dir =
        assertThrows(
            ConfigException.class, () -> RunDirectory.create(file, "lora", "nano", Runs.CLOCK));

    assertEquals(
        "--out " + file + " is a file, expected a folder that is absent or empty",
        out.getMessage());
    assertEquals(
        "output.dir "
            + file
            + " cannot be used as a folder for runs: "
            + file
            + " is a file, not a folder; name a folder that you may write to",
        dir.getMessage());
  }

  @Test
  void provenanceKeepsTheOrderOfItsFields() throws IOException {
    RunDirectory run = RunDirectory.create(temp, "lora", "nano", Runs.CLOCK);
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("seed", 42);
    fields.put("libtorch", "2.10.0");
    fields.put("command", List.of("finetune", "a b.yaml"));

    run.writeProvenance(fields);
    run.writeRecipe(Runs.RECIPE);

    assertEquals(
        """
        {
          "seed" : 42,
          "libtorch" : "2.10.0",
          "command" : [ "finetune", "a b.yaml" ]
        }
        """,
        Files.readString(run.provenance()));
    assertEquals(Runs.RECIPE, Files.readString(run.recipe()));
  }

  @Test
  void metricsAreOneJsonObjectPerStepAndReadableAtOnce() throws IOException {
    RunDirectory run = RunDirectory.create(temp, "lora", "nano", Runs.CLOCK);
    try (RunJournal journal = run.openJournal(Runs.CLOCK)) {
      journal.append(Runs.row(1, 2.5, OptionalDouble.of(2.25)));
      journal.append(Runs.row(2, Double.NaN));

      assertEquals(
          List.of(
              "{\"step\":1,\"epoch\":0.1,\"train_loss\":2.5,\"validation_loss\":2.25,"
                  + "\"learning_rate\":2.0E-4,\"grad_norm\":0.5,\"tokens_labelled\":30,"
                  + "\"tokens_total\":40,\"tokens_per_second\":100.0,\"cpu_utilisation\":0.75,"
                  + "\"current_bytes\":1000,\"peak_bytes\":2001,\"elapsed_nanos\":1000000000}",
              "{\"step\":2,\"epoch\":0.2,\"train_loss\":null,"
                  + "\"learning_rate\":2.0E-4,\"grad_norm\":0.5,\"tokens_labelled\":60,"
                  + "\"tokens_total\":80,\"tokens_per_second\":200.0,\"cpu_utilisation\":0.75,"
                  + "\"current_bytes\":1000,\"peak_bytes\":2002,\"elapsed_nanos\":2000000000}"),
          Files.readAllLines(run.metrics()));
    }
  }

  @Test
  void logLinesBeginWithTheTime() throws IOException {
    RunDirectory run = RunDirectory.create(temp, "lora", "nano", Runs.CLOCK);
    try (RunJournal journal = run.openJournal(Runs.CLOCK)) {
      journal.log("start seed=42");
      journal.log("two\nlines");
    }

    assertEquals(
        """
        2026-11-22T18:42:33Z start seed=42
        2026-11-22T18:42:33Z two
            lines
        """,
        Files.readString(run.log()));
  }

  @Test
  void vanishedFolderIsToldBySentence() throws IOException {
    RunDirectory run = RunDirectory.create(temp, "lora", "nano", Runs.CLOCK);
    Files.delete(run.log());
    Files.delete(run.path());

    RunException failure =
        assertThrows(RunException.class, () -> run.writeSummary(Map.of("loss", 1.0)));

    assertTrue(Runs.message(failure).contains("the folder does not exist"), Runs.message(failure));
  }

  @Test
  void impossibleMeasurementsAreRefused() {
    assertThrows(IllegalStateException.class, () -> new MetricsRow.Tokens(5, 4, 1));
    assertThrows(
        IllegalStateException.class, () -> new MetricsRow.Usage(1.5, OptionalDouble.empty(), 0, 0));
    assertThrows(IllegalStateException.class, () -> Runs.row(-1, 1.0));
  }

  @Test
  void measurementsAfterAStepAndHalfALineAreCut() throws IOException {
    RunDirectory run = RunDirectory.create(temp, "lora", "nano", Runs.CLOCK);
    run.cutMetrics(0);
    try (RunJournal journal = run.openJournal(Runs.CLOCK)) {
      for (int step = 1; step <= 4; step++) {
        journal.append(Runs.row(step, 1.0));
      }
      journal.force();
    }
    List<String> whole = Files.readAllLines(run.metrics());
    Files.writeString(run.metrics(), Files.readString(run.metrics()) + "{\"step\":2,\"epo");

    run.cutMetrics(3);

    assertEquals(whole.subList(0, 3), Files.readAllLines(run.metrics()));
    run.cutMetrics(0);
    assertEquals("", Files.readString(run.metrics()));
  }
}
