package dev.lorikeet.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.RunException;
import dev.lorikeet.run.RunDiff.Difference;
import dev.lorikeet.run.RunDiff.Result;
import dev.lorikeet.run.RunRecord.Artefact;
import dev.lorikeet.run.RunRecord.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunStoreTest {
  @TempDir Path temp;

  private RunRecord add(RunStore store, String technique, String recipe) {
    RunDirectory directory = RunDirectory.create(temp, technique, "nano", Runs.CLOCK);
    return store.create(directory, technique, "nano", recipe, Map.of("seed", 42));
  }

  @Test
  void runIsFoundAgainWithAllThatWasWritten() {
    String id;
    try (RunStore store = RunStore.open(temp, Runs.CLOCK)) {
      id = add(store, "lora", Runs.RECIPE).id();
      store.append(id, Runs.row(1, 3.0, OptionalDouble.of(2.75)));
      store.append(id, Runs.row(2, 2.0));
      store.event(id, Level.WARNING, "3 examples are longer than max_seq_len");
      store.artefact(id, new Artefact("adapter", temp.resolve(id).resolve("adapter"), "", 10));
      store.note(id, " aha ");
      store.finish(id, RunStatus.FINISHED, Map.of("exact_match", 0.875));
    }
    try (RunStore store = RunStore.open(temp, Runs.CLOCK)) {
      RunRecord run = store.get(id);
      assertEquals(RunStatus.FINISHED, run.status());
      assertEquals(Optional.of(Runs.CLOCK.instant()), run.finished());
      assertEquals(Map.of("seed", 42), run.provenance());
      assertEquals(Map.of("exact_match", 0.875), run.summary());
      assertEquals(
          new RunRecord.Progress(2, OptionalDouble.of(2.0), OptionalDouble.of(2.75)),
          run.progress());
      assertEquals("aha", run.notes().getFirst().text());
      assertEquals(temp.resolve(id), run.folder());
      assertEquals(
          List.of(Runs.row(1, 3.0, OptionalDouble.of(2.75)), Runs.row(2, 2.0)), store.metrics(id));
      assertEquals("3 examples are longer than max_seq_len", store.events(id).getFirst().text());
      assertEquals(
          List.of(new Artefact("adapter", temp.resolve(id).resolve("adapter"), "", 10)),
          store.artefacts(id));
    }
  }

  @Test
  void listBeginsWithTheNewest() {
    try (RunStore store = RunStore.open(temp, Runs.CLOCK)) {
      RunRecord first = add(store, "lora", Runs.RECIPE);
      RunRecord second = add(store, "full", Runs.RECIPE);

      assertEquals(
          List.of(second.id(), first.id()), store.list().stream().map(RunRecord::id).toList());
    }
  }

  @Test
  void lossThatIsNotANumberSurvives() {
    try (RunStore store = RunStore.open(temp, Runs.CLOCK)) {
      String id = add(store, "lora", Runs.RECIPE).id();
      store.append(id, Runs.row(1, Double.NaN));

      assertTrue(Double.isNaN(store.metrics(id).getFirst().trainLoss()));
      assertEquals(OptionalDouble.empty(), store.get(id).progress().trainLoss());
    }
  }

  @Test
  void uniquePrefixFindsTheRun() {
    try (RunStore store = RunStore.open(temp, Runs.CLOCK)) {
      String id = add(store, "lora", Runs.RECIPE).id();

      assertEquals(id, store.get("20261122-1842").id());
    }
  }

  @Test
  void idThatIsAlsoAPrefixMeansItself() {
    try (RunStore store = RunStore.open(temp, Runs.CLOCK)) {
      String first = add(store, "lora", Runs.RECIPE).id();
      String second = add(store, "lora", Runs.RECIPE).id();

      assertEquals(first + "-2", second);
      assertEquals(first, store.get(first).id());
    }
  }

  @Test
  void ambiguousPrefixNamesTheCandidates() {
    try (RunStore store = RunStore.open(temp, Runs.CLOCK)) {
      add(store, "lora", Runs.RECIPE);
      add(store, "full", Runs.RECIPE);

      ConfigException failure =
          assertThrows(ConfigException.class, () -> store.find("20261122-184233"));

      assertEquals(
          "Run 20261122-184233 could be any of 20261122-184233-full-nano,"
              + " 20261122-184233-lora-nano; write more of the id",
          failure.getMessage());
    }
  }

  @Test
  void unknownRunNamesTheNearest() {
    try (RunStore store = RunStore.open(temp, Runs.CLOCK)) {
      ConfigException empty = assertThrows(ConfigException.class, () -> store.get("lora"));
      add(store, "lora", Runs.RECIPE);
      add(store, "full", Runs.RECIPE);
      ConfigException near = assertThrows(ConfigException.class, () -> store.get("lora"));
      ConfigException far = assertThrows(ConfigException.class, () -> store.get("x"));

      String start = "No run of " + temp + " is named ";
      assertEquals(start + "lora; there is none yet", empty.getMessage());
      assertEquals(start + "lora; did you mean 20261122-184233-lora-nano?", near.getMessage());
      assertEquals(
          start + "x; the newest are 20261122-184233-full-nano, 20261122-184233-lora-nano",
          far.getMessage());
      assertEquals(Optional.empty(), store.find("x"));
      assertEquals(Optional.empty(), store.find(""));
    }
  }

  @Test
  void deletedFolderStaysInTheListAndIsMarked() throws Exception {
    try (RunStore store = RunStore.open(temp, Runs.CLOCK)) {
      RunRecord run = add(store, "lora", Runs.RECIPE);
      assertTrue(store.get(run.id()).folderExists());
      Files.delete(run.folder().resolve("log.txt"));
      Files.delete(run.folder());

      assertFalse(store.list().getFirst().folderExists());
      assertEquals(run.id() + "-2", add(store, "lora", Runs.RECIPE).id());
    }
  }

  @Test
  void folderInsideIsKeptRelativeSoThatAllCanBeMoved() throws Exception {
    Path before = Files.createDirectory(temp.resolve("before"));
    String id;
    try (RunStore store = RunStore.open(before, Runs.CLOCK)) {
      RunDirectory directory = RunDirectory.create(before, "lora", "nano", Runs.CLOCK);
      id = store.create(directory, "lora", "nano", Runs.RECIPE, Map.of()).id();
    }
    Path after = Files.move(before, temp.resolve("after"));
    try (RunStore store = RunStore.open(after, Runs.CLOCK)) {
      assertEquals(after.resolve(id), store.get(id).folder());
      assertTrue(store.get(id).folderExists());
    }
  }

  @Test
  void runOfAKilledProcessIsShownAsInterrupted() throws Exception {
    Process child = RunStoreWriter.start(temp);
    try (RunStore store = RunStore.open(temp, Runs.CLOCK)) {
      String id = child.inputReader().readLine();
      assertEquals(RunStatus.RUNNING, store.get(id).status());

      child.destroyForcibly().waitFor();

      assertEquals(RunStatus.INTERRUPTED, store.get(id).status());
      assertFalse(store.metrics(id).isEmpty());
    } finally {
      child.destroyForcibly();
    }
  }

  @Test
  void processOfAnotherContainerIsLeftAsRunning() {
    RunProcess elsewhere = new RunProcess(Long.MAX_VALUE, 0, "pid:[1]");

    assertFalse(elsewhere.hasEnded());
    assertEquals(Optional.of(elsewhere), RunProcess.parse(elsewhere.toString()));
    assertFalse(RunProcess.current().hasEnded());
    assertEquals(Optional.empty(), RunProcess.parse("12"));
  }

  @Test
  void laterProcessOfTheSameNumberIsAnotherOne() {
    RunProcess here = RunProcess.current();

    assertTrue(
        new RunProcess(here.pid(), here.startMillis() - 61_000, here.namespace()).hasEnded());
    assertFalse(new RunProcess(here.pid(), here.startMillis() - 900, here.namespace()).hasEnded());
  }

  @Test
  void anotherProcessReadsAndNotesWhileOneWrites() throws Exception {
    Process child = RunStoreWriter.start(temp);
    try (RunStore store = RunStore.open(temp, Runs.CLOCK)) {
      String id = child.inputReader().readLine();
      int first = store.metrics(id).size();
      long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
      int later = first;
      while (later <= first && System.nanoTime() < deadline) {
        store.note(id, "seen " + later);
        later = store.metrics(id).size();
      }

      assertTrue(later > first, "rows seen first " + first + ", later " + later);
      assertFalse(store.get(id).notes().isEmpty());
      assertTrue(child.isAlive(), "the writer goes on");
    } finally {
      child.destroyForcibly();
    }
  }

  @Test
  void manyMayOpenANewIndexAtOnce() throws Exception {
    List<Thread> threads = new ArrayList<>();
    Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
    for (int i = 0; i < 6; i++) {
      String technique = "t" + i;
      threads.add(
          Thread.ofPlatform()
              .start(() -> {
                try (RunStore store = RunStore.open(temp, Runs.CLOCK)) {
                  add(store, technique, Runs.RECIPE);
                } catch (RuntimeException e) {
                  failures.add(e);
                }
              }));
    }
    for (Thread thread : threads) {
      thread.join();
    }

    assertEquals(List.of(), List.copyOf(failures));
    try (RunStore store = RunStore.open(temp, Runs.CLOCK)) {
      assertEquals(6, store.list().size());
    }
  }

  @Test
  void diffShowsRecipeKeysThatDifferAndAllMeasurements() {
    try (RunStore store = RunStore.open(temp, Runs.CLOCK)) {
      String left = add(store, "lora", Runs.RECIPE).id();
      String right =
          add(store, "full", Runs.RECIPE.replace("r: 8, ", "").replace("null", "10")).id();
      store.append(left, Runs.row(1, 3.0, OptionalDouble.of(2.5)));
      store.append(left, Runs.row(2, 2.0, OptionalDouble.of(2.75)));
      store.append(right, Runs.row(1, 1.0));
      store.finish(right, RunStatus.FINISHED, Map.of("exact_match", 0.5, "text", "no number"));

      RunDiff diff = store.diff(left, right);

      assertEquals(
          List.of(
              new Difference("adapter.r", Optional.of("8"), Optional.empty()),
              new Difference("train.max_steps", Optional.of("null"), Optional.of("10"))),
          diff.recipe());
      assertEquals(
          List.of(
              result("steps", 2, 1),
              result("train_loss", 2, 1),
              new Result("validation_loss", OptionalDouble.of(2.75), OptionalDouble.empty()),
              new Result("best_validation_loss", OptionalDouble.of(2.5), OptionalDouble.empty()),
              result("tokens_total", 120, 40),
              result("tokens_per_second_median", 150, 100),
              result("peak_bytes", 2002, 2001),
              result("elapsed_seconds", 2, 1),
              new Result("exact_match", OptionalDouble.empty(), OptionalDouble.of(0.5))),
          diff.results());
    }
  }

  private static Result result(String name, double left, double right) {
    return new Result(name, OptionalDouble.of(left), OptionalDouble.of(right));
  }

  @Test
  void emptyNoteIsRefused() {
    try (RunStore store = RunStore.open(temp, Runs.CLOCK)) {
      String id = add(store, "lora", Runs.RECIPE).id();

      ConfigException failure = assertThrows(ConfigException.class, () -> store.note(id, "  "));

      assertEquals(
          "The note for run " + id + " is empty; write at least a word", failure.getMessage());
    }
  }

  @Test
  void lookingForRunsMakesNoFiles() {
    assertEquals(Optional.empty(), RunStore.openIfPresent(temp.resolve("runs"), Runs.CLOCK));
    assertFalse(Files.exists(temp.resolve("runs")));
  }

  @Test
  void aRunThatIsTakenUpForgetsWhatCameAfterItsCheckpoint() {
    try (RunStore store = RunStore.open(temp, Runs.CLOCK)) {
      String id = add(store, "lora", Runs.RECIPE).id();
      for (int step = 1; step <= 5; step++) {
        store.append(id, Runs.row(step, 1.0));
      }
      store.finish(id, RunStatus.STOPPED, Map.of("steps", 5));

      store.takeUp(store.get(id), 3, Runs.RECIPE + "# changed\n", Map.of("seed", 43));

      RunRecord run = store.get(id);
      assertEquals(RunStatus.RUNNING, run.status());
      assertEquals(Optional.empty(), run.finished());
      assertEquals(Map.of(), run.summary());
      assertEquals(Map.of("seed", 43), run.provenance());
      assertTrue(run.recipe().endsWith("# changed\n"));
      assertEquals(3, run.progress().steps());
      RunException failure =
          assertThrows(RunException.class, () -> store.takeUp(run, 3, Runs.RECIPE, Map.of()));
      assertTrue(failure.getMessage().contains("is at work in another process"));
    }
  }

  @Test
  void anArtefactIsEnteredOnce() {
    try (RunStore store = RunStore.open(temp, Runs.CLOCK)) {
      String id = add(store, "lora", Runs.RECIPE).id();
      Artefact adapter = new Artefact("adapter", temp.resolve(id).resolve("adapter"), "", 10);
      store.artefact(id, adapter);
      store.artefact(id, adapter);
      assertEquals(List.of(adapter), store.artefacts(id));
    }
  }
}
