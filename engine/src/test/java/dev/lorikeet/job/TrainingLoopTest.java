package dev.lorikeet.job;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.config.RunConfig;
import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.RunException;
import dev.lorikeet.job.FineTuneResult.Best;
import dev.lorikeet.job.FineTuneResult.End;
import dev.lorikeet.run.RunRecord.Level;
import dev.lorikeet.run.RunStore;
import dev.lorikeet.train.Evaluation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Validation, early stopping, the best checkpoint, and steps that are left out. */
@Tag("native")
final class TrainingLoopTest {
  /** A letter that only poisoned records have; whoever reads it gets no number. */
  private static final String POISON = "§";

  @TempDir private Path folder;
  private RunConfig recipe = RunConfig.of("nowhere", Path.of("nothing"));

  @BeforeEach
  void writeModelAndData() {
    Path model = TinyModel.write(folder.resolve("tiny"), POISON);
    Path train = TinyModel.data(folder.resolve("train.jsonl"), TinyModel.records(0, 20));
    Path heldOut = TinyModel.data(folder.resolve("held-out.jsonl"), TinyModel.records(20, 6));
    recipe =
        TinyModel.recipe(model, train, folder.resolve("runs"))
            .with(
                "data.validation='" + heldOut + "'",
                "data.shuffle=false",
                "train.epochs=null",
                "train.max_steps=8");
  }

  private static List<Long> validatedSteps(RunConfig config) {
    List<Long> steps = new ArrayList<>();
    FineTuning.run(
        config,
        FineTuneOptions.defaults(),
        new RunListener() {
          @Override
          public void validated(long step, Evaluation evaluation) {
            steps.add(step);
          }
        });
    return steps;
  }

  @Test
  void validationComesByEpochsOrSteps() {
    assertEquals(List.of(0L, 5L, 8L), validatedSteps(recipe));
    assertEquals(List.of(0L, 3L, 6L, 8L), validatedSteps(recipe.with("train.eval_steps=3")));
    assertEquals(List.of(0L, 8L), validatedSteps(recipe.with("train.eval_seconds=3600")));
  }

  @Test
  void lossAndAccuracyAreMeasuredInTheStepsThatValidate() throws IOException {
    FineTuneResult result =
        FineTuning.run(
            recipe.with("train.eval_steps=4", "train.learning_rate=2.0e-2", "train.max_steps=60"));
    List<JsonNode> rows = RunFiles.metrics(result.directory());
    for (JsonNode row : rows) {
      boolean validated = row.path("step").asInt() % 4 == 0;
      assertEquals(validated, row.has("validation_loss"), row.toString());
      assertEquals(validated, row.has("validation_accuracy"), row.toString());
    }
    double before = result.accuracyBefore().orElseThrow();
    double after = result.accuracyAfter().orElseThrow();
    // Random weights guess one of 288 tokens; the records' punctuation alone is half of a label.
    assertTrue(before < 0.1, "accuracy before " + before);
    assertTrue(after > 0.3, "accuracy after " + after);
    assertEquals(after, rows.getLast().path("validation_accuracy").asDouble());
    try (RunStore store = store()) {
      assertEquals(
          after, store.metrics(result.runId()).getLast().validationAccuracy().orElseThrow());
    }
  }

  @Test
  void aRunThatGainsNothingStopsEarly() throws IOException {
    FineTuneResult result =
        FineTuning.run(
            recipe.with(
                "train.learning_rate=1.0e-30",
                "train.eval_steps=1",
                "train.early_stopping_patience=2"));
    // The first validation is the best so far, and the next two are no better.
    assertEquals(3, result.steps());
    assertEquals(End.EARLY, result.ending().end());
    assertTrue(
        Files.readString(result.directory().resolve("summary.json")).contains("stopped_early"));
    assertEquals(
        5,
        FineTuning.run(
                recipe.with(
                    "train.eval_steps=1", "train.max_steps=5", "train.early_stopping_patience=2"))
            .steps());
  }

  @Test
  void aGainBelowTheMinimumIsNone() {
    FineTuneResult result =
        FineTuning.run(
            recipe.with(
                "train.eval_steps=1",
                "train.early_stopping_patience=2",
                "train.early_stopping_min_delta=100.0"));
    assertEquals(3, result.steps());
  }

  @Test
  void theBestCheckpointIsKeptNamedAndSavedOnRequest() throws IOException {
    // A rate so high that the loss rises again.
    RunConfig config =
        recipe.with(
            "train.learning_rate=0.3",
            "train.eval_steps=1",
            "train.max_steps=12",
            "train.keep_checkpoints=1",
            "train.load_best_at_end=true");
    FineTuneResult result = FineTuning.run(config);
    Best best = result.ending().best().orElseThrow();
    assertTrue(best.step() < 12, "best at the end: " + best);
    assertEquals(List.of(best.step(), 12L), RunFiles.checkpoints(result.directory()));
    assertArrayEquals(
        RunFiles.weights(best.checkpoint().resolve("adapter")), RunFiles.weights(result));
    assertEquals(best.validationLoss(), result.validationAfter().orElseThrow());
    String summary = Files.readString(result.directory().resolve("summary.json"));
    assertTrue(summary.contains("\"best_step\" : " + best.step()), summary);

    FineTuneResult last = FineTuning.run(config.with("train.load_best_at_end=false"));
    assertArrayEquals(
        RunFiles.weights(last.ending().checkpoint().orElseThrow().resolve("adapter")),
        RunFiles.weights(last));
    assertTrue(last.validationAfter().orElseThrow() > best.validationLoss());
  }

  @Test
  void whatGoesByTheValidationLossNeedsHeldOutExamples() {
    RunConfig config = recipe.with("data.validation=0.0", "train.load_best_at_end=true");
    ConfigException failure = assertThrows(ConfigException.class, () -> FineTuning.run(config));
    assertTrue(
        failure.getMessage().contains("data.validation holds out no example"),
        failure.getMessage());
  }

  private RunConfig poisoned(int first, int count) {
    List<String> records = new ArrayList<>(TinyModel.records(0, 40));
    for (int i = first; i < first + count; i++) {
      records.set(i, TinyModel.record("I lost my " + POISON + " hat.", "hat: none"));
    }
    Path data = TinyModel.data(folder.resolve("poisoned.jsonl"), records);
    return recipe.with(
        "data.train='" + data + "'", "data.validation=0.0", "train.on_bad_step=skip");
  }

  @Test
  void aBadStepIsLeftOutRecordedAndChangesNothing() throws IOException {
    // The last of four steps is bad, so the weights are those of three.
    RunConfig config = poisoned(13, 1);
    FineTuneResult four = FineTuning.run(config.with("train.max_steps=4"));
    FineTuneResult three = FineTuning.run(config.with("train.max_steps=3"));
    assertArrayEquals(RunFiles.weights(three), RunFiles.weights(four));
    assertEquals(1, four.ending().skippedSteps());
    assertEquals(three.trainLoss(), four.trainLoss());
    Path optimizer = Path.of("optimizer.safetensors");
    assertArrayEquals(
        Files.readAllBytes(three.ending().checkpoint().orElseThrow().resolve(optimizer)),
        Files.readAllBytes(four.ending().checkpoint().orElseThrow().resolve(optimizer)));
    try (RunStore store = store()) {
      assertTrue(
          store.events(four.runId()).stream()
              .anyMatch(event ->
                  event.level() == Level.WARNING
                      && event
                          .text()
                          .equals(
                              "step 4: the loss is NaN and the gradient's norm NaN, so this update"
                                  + " was left out. Examples of the step: [12, 13, 14, 15].")));
    }
    assertTrue(RunFiles.metrics(four.directory()).getLast().path("train_loss").isNull());
    FineTuneResult on = FineTuning.run(config.with("train.max_steps=8"));
    assertEquals(1, on.ending().skippedSteps());
    assertTrue(Double.isFinite(on.trainLoss()));
  }

  @Test
  void tenBadStepsInARowEndTheRun() {
    RunConfig config = poisoned(0, 40).with("train.global_batch=2", "train.micro_batch=2");
    RunException failure =
        assertThrows(RunException.class, () -> FineTuning.run(config.with("train.max_steps=20")));
    assertTrue(
        failure.getMessage().startsWith("10 steps in a row were bad and left out, the last one: "),
        failure.getMessage());
    assertTrue(failure.getMessage().contains("step 10: the loss is NaN"), failure.getMessage());
  }

  @Test
  void aFailureNamesTheLastCheckpoint() {
    RunConfig config =
        poisoned(13, 1)
            .with("train.on_bad_step=stop", "adapter.technique=full", "train.checkpoint_steps=2");
    RunException failure = assertThrows(RunException.class, () -> FineTuning.run(config));
    assertTrue(
        failure.getMessage().matches("(?s).*The last checkpoint is .*step-2; after a change, .*"),
        failure.getMessage());
  }

  @Test
  void aLossSpikeIsABadStep() {
    // Long answers of rare letters among learned ones: far above the mean after 25 good steps.
    List<String> records = new ArrayList<>(TinyModel.records(0, 120));
    for (int i = 100; i < 104; i++) {
      records.set(i, TinyModel.record("?", "{}[]<>|~^".repeat(4)));
    }
    Path data = TinyModel.data(folder.resolve("spiked.jsonl"), records);
    RunConfig config =
        recipe.with(
            "data.train='" + data + "'",
            "data.validation=0.0",
            "adapter.technique=full",
            "train.max_steps=28",
            "train.spike_factor=1.5");
    RunException failure = assertThrows(RunException.class, () -> FineTuning.run(config));
    assertTrue(failure.getMessage().startsWith("step 26: the loss is "), failure.getMessage());
    assertTrue(
        failure.getMessage().contains("over train.spike_factor times its running mean"),
        failure.getMessage());
    FineTuneResult skipped = FineTuning.run(config.with("train.on_bad_step=skip"));
    assertEquals(1, skipped.ending().skippedSteps());
  }

  private RunStore store() {
    return RunStore.open(folder.resolve("runs"), FineTuneOptions.defaults().clock());
  }
}
