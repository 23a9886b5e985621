package dev.lorikeet.job;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.config.RunConfig;
import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.RunException;
import dev.lorikeet.run.RunRecord;
import dev.lorikeet.run.RunRecord.Level;
import dev.lorikeet.run.RunStatus;
import dev.lorikeet.run.RunStore;
import dev.lorikeet.train.StepReport;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Runs that cannot go on: they say why, keep what is good, and leave nothing half written. */
@Tag("native")
final class FailedRunTest {
  /** A letter that only the poisoned record has. */
  private static final String POISON = "§";

  /** Four records a step, in the order of the file: the poisoned one is in the fourth step. */
  private static final int RECORDED_STEPS = 3;

  @TempDir private Path folder;
  private RunConfig recipe = RunConfig.of("nowhere", Path.of("nothing"));

  @BeforeEach
  void writeModelAndData() {
    Path model = TinyModel.write(folder.resolve("tiny"), POISON);
    List<String> records = new ArrayList<>(TinyModel.records(0, 13));
    records.add(TinyModel.record("I lost my " + POISON + " hat.", "hat: none"));
    records.addAll(TinyModel.records(14, 6));
    Path train = TinyModel.data(folder.resolve("train.jsonl"), records);
    recipe = TinyModel.recipe(model, train, folder.resolve("runs")).with("data.shuffle=false");
  }

  @ParameterizedTest
  @CsvSource({
    "lora, 2, adapter, adapter_model.safetensors, 'The last good adapter, after 2 updates, is in '",
    "full, 3, full-model, model.safetensors, 'The weights as they were then are in '"
  })
  void aLossThatIsNoNumberStopsTheRunAndKeepsWhatIsGood(
      String technique, int updates, String output, String weights, String kept)
      throws IOException {
    // The third update of an adapter is not proven by a loss of its own.
    RunConfig run = recipe.with("adapter.technique=" + technique);
    FineTuneResult good = FineTuning.run(run.with("train.max_steps=" + updates));
    Path out = folder.resolve("failing");
    RunException failure =
        assertThrows(
            RunException.class, () -> FineTuning.run(run, into(out), RunListener.silent()));
    assertSays(
        failure,
        "step 4: the loss is NaN and the gradient's norm NaN",
        "training was stopped before this update",
        "Examples of the step: [12, 13, 14, 15].",
        kept + out.resolve(output) + ".");
    assertArrayEquals(
        Files.readAllBytes(good.output().resolve(weights)),
        Files.readAllBytes(out.resolve(output).resolve(weights)));
    assertEquals(RECORDED_STEPS, Files.readAllLines(out.resolve("metrics.jsonl")).size());
    assertFalse(Files.exists(out.resolve("summary.json")), "no summary of a run without end");
    assertNothingHalfWritten(out);
    assertFailed(out, "step 4: the loss is NaN");
  }

  @Test
  void anAdapterThatCannotBeWrittenEndsTheRunAsFailed() {
    Path out = folder.resolve("unwritable");
    RunListener blocking =
        new RunListener() {
          @Override
          public void step(StepReport report, Start start, Duration left) {
            TinyModel.data(start.directory().resolve("adapter"), List.of("in the way"));
          }
        };
    RunException failure =
        assertThrows(
            RunException.class,
            () -> FineTuning.run(recipe.with("train.max_steps=1"), into(out), blocking));
    assertSays(failure, "Could not create the adapter folder " + out.resolve("adapter"));
    assertFalse(failure.getMessage().contains("is in"), failure.getMessage());
    assertNothingHalfWritten(out);
    assertFailed(out, "Could not create the adapter folder");
  }

  @Test
  void whenNothingCanBeKeptTheFirstFailureIsStillTold() {
    Path out = folder.resolve("both");
    RunListener blocking =
        new RunListener() {
          @Override
          public void started(Start start) {
            TinyModel.data(start.directory().resolve("adapter"), List.of("in the way"));
          }
        };
    RunException failure =
        assertThrows(RunException.class, () -> FineTuning.run(recipe, into(out), blocking));
    assertSays(
        failure,
        "step 4: the loss is NaN",
        "Could not create the adapter folder " + out.resolve("adapter"));
    assertFailed(out, "step 4: the loss is NaN");
  }

  @Test
  void aHeldOutLossThatIsNoNumberIsNotASuccess() {
    Path out = folder.resolve("overshot");
    Path heldOut = TinyModel.data(folder.resolve("held-out.jsonl"), TinyModel.records(20, 4));
    RunConfig run =
        recipe.with(
            "train.max_steps=1",
            "train.learning_rate=1.0e+25",
            "data.validation='" + heldOut + "'");
    RunException failure =
        assertThrows(
            RunException.class, () -> FineTuning.run(run, into(out), RunListener.silent()));
    assertSays(
        failure,
        "after step 1 the loss over the held-out examples is NaN, so training was stopped.",
        "A lower learning_rate",
        "The last good adapter, after 0 updates, is in " + out.resolve("adapter") + ".");
    assertFailed(out, "after step 1 the loss over the held-out examples is NaN");
  }

  @Test
  void aModelThatGivesNoNumberIsNotTrained() {
    Path out = folder.resolve("damaged");
    Path heldOut =
        TinyModel.data(folder.resolve("held-out.jsonl"), List.of(TinyModel.record(POISON, "none")));
    RunException failure =
        assertThrows(
            RunException.class,
            () ->
                FineTuning.run(
                    recipe.with("data.validation='" + heldOut + "'"),
                    into(out),
                    RunListener.silent()));
    assertSays(
        failure,
        "the untouched model's loss over the held-out examples is NaN",
        "download the model again");
    assertFailed(out, "the untouched model's loss over the held-out examples is NaN");
  }

  @Test
  void aDefectInAListenerEndsTheRunAsFailedToo() {
    Path out = folder.resolve("defect");
    RunListener broken =
        new RunListener() {
          @Override
          public void step(StepReport report, Start start, Duration left) {
            throw new IllegalStateException("a broken listener");
          }
        };
    assertThrows(IllegalStateException.class, () -> FineTuning.run(recipe, into(out), broken));
    assertFailed(out, "a broken listener");
  }

  @Test
  void aFolderThatHoldsAnotherRunIsRefusedAndLeftAsItIs() {
    Path out = folder.resolve("taken");
    FineTuning.run(recipe.with("train.max_steps=1"), into(out), RunListener.silent());
    Map<String, Integer> before = TinyModel.contents(out);
    ConfigException failure =
        assertThrows(
            ConfigException.class, () -> FineTuning.run(recipe, into(out), RunListener.silent()));
    assertSays(failure, "--out " + out + " holds another run");
    assertEquals(before, TinyModel.contents(out));
    try (RunStore store = store()) {
      assertEquals(1, store.list().size(), "the refused run is not in the index");
    }
  }

  @Test
  void aTakenFolderIsRefusedBeforeTheModelIsLoaded() throws IOException {
    Path out = Files.createDirectory(folder.resolve("busy"));
    TinyModel.data(out.resolve("cat.txt"), List.of("meow"));
    var noModel = recipe.with("model.path='" + folder.resolve("absent") + "'");
    ConfigException failure =
        assertThrows(
            ConfigException.class, () -> FineTuning.run(noModel, into(out), RunListener.silent()));
    assertSays(failure, "is not empty (cat.txt)");
  }

  @Test
  void aFolderThatHoldsAnythingIsRefusedAndLeftAsItIs() throws IOException {
    Path out = Files.createDirectory(folder.resolve("photos"));
    TinyModel.data(out.resolve("cat.txt"), List.of("meow"));
    ConfigException failure =
        assertThrows(
            ConfigException.class, () -> FineTuning.run(recipe, into(out), RunListener.silent()));
    assertSays(failure, "--out " + out + " is not empty (cat.txt)");
    assertEquals(List.of("", "cat.txt"), List.copyOf(TinyModel.contents(out).keySet()));
  }

  private static FineTuneOptions into(Path out) {
    FineTuneOptions defaults = FineTuneOptions.defaults();
    return new FineTuneOptions(
        Optional.of(out), defaults.commandLine(), defaults.versions(), defaults.clock());
  }

  private RunStore store() {
    return RunStore.open(folder.resolve("runs"), FineTuneOptions.defaults().clock());
  }

  private void assertFailed(Path out, String reason) {
    try (RunStore store = store()) {
      RunRecord record =
          store.list().stream()
              .filter(candidate -> candidate.folder().equals(out))
              .findFirst()
              .orElseThrow();
      assertEquals(RunStatus.FAILED, record.status());
      assertTrue(
          store.events(record.id()).stream()
              .anyMatch(event -> event.level() == Level.ERROR && event.text().contains(reason)),
          store.events(record.id()).toString());
    }
    try {
      assertTrue(Files.readString(out.resolve("log.txt")).contains("failed "));
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  private static void assertNothingHalfWritten(Path out) {
    List<String> temporary =
        TinyModel.contents(out).keySet().stream().filter(name -> name.endsWith(".tmp")).toList();
    assertEquals(List.of(), temporary);
  }

  private static void assertSays(RuntimeException failure, String... parts) {
    String message = String.valueOf(failure.getMessage());
    for (String part : parts) {
      assertTrue(message.contains(part), "\"" + part + "\" is not in: " + message);
    }
  }
}
