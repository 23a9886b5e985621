package dev.lorikeet.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.lorikeet.config.AdapterSettings.Technique;
import dev.lorikeet.config.RunConfig;
import dev.lorikeet.fixture.Checkpoints;
import dev.lorikeet.job.FineTuneResult.End;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every technique on pretrained models: it learns, and a run that was stopped goes on exactly. */
@Tag("native")
final class TechniquesTest {
  private static final int STEPS = 8;
  private static final int STOPPED_AFTER = 3;

  /** What the held-out loss is after these few steps, as a share of the one before, at most. */
  private static final double MOST = 0.8;

  @TempDir private Path folder;

  @ParameterizedTest
  @EnumSource(Technique.class)
  void nanoLearnsAndGoesOnBitForBit(Technique technique) throws IOException {
    assertLearnsAndGoesOn("nano", technique);
  }

  @ParameterizedTest
  @EnumSource(Technique.class)
  void storiesLearnAndGoOnBitForBit(Technique technique) throws IOException {
    assumeTrue(Files.exists(Checkpoints.STORIES), "stories260K is not at " + Checkpoints.STORIES);
    assertLearnsAndGoesOn(Checkpoints.STORIES.toString(), technique);
  }

  private void assertLearnsAndGoesOn(String model, Technique technique) throws IOException {
    RunConfig recipe = recipe(folder, model, technique);
    FineTuneResult whole = FineTuning.run(recipe);
    double before = whole.validationBefore().orElseThrow();
    double after = whole.validationAfter().orElseThrow();
    assertTrue(after <= MOST * before, "held-out loss " + before + " to " + after);

    FineTuneResult stopped = stopped(recipe);
    FineTuneResult resumed =
        FineTuning.resume(
                ResumeRequest.of(folder.resolve("runs"), stopped.runId()),
                FineTuneOptions.defaults(),
                RunListener.silent())
            .orElseThrow();

    RunFiles.assertSameResult(whole, resumed);
  }

  private static FineTuneResult stopped(RunConfig recipe) {
    StopSignal stop = new StopSignal();
    RunListener stopping = new Listening(STOPPED_AFTER, stop::request);
    FineTuneResult result =
        FineTuning.run(recipe, FineTuneOptions.defaults().stoppedBy(stop), stopping);
    assertEquals(End.STOPPED, result.ending().end());
    assertEquals(STOPPED_AFTER, result.steps());
    return result;
  }

  /** Eight steps on records of one rule, with everything that has a state in a checkpoint. */
  static RunConfig recipe(Path folder, String model, Technique technique) {
    Path train = TinyModel.data(folder.resolve("train.jsonl"), TinyModel.records(0, 20));
    Path heldOut = TinyModel.data(folder.resolve("held-out.jsonl"), TinyModel.records(20, 10));
    return TinyModel.recipe(Path.of(model), train, folder.resolve("runs"))
        .with(
            "adapter.technique=" + technique.spelling(),
            "adapter.lora_dropout=" + (technique == Technique.FULL ? 0 : 0.05),
            "train.learning_rate=" + (technique == Technique.FULL ? "1.0e-3" : "5.0e-3"),
            "train.schedule=cosine",
            "train.max_steps=" + STEPS,
            "train.epochs=null",
            "train.eval_steps=4",
            "train.checkpoint_steps=2",
            "data.validation='" + heldOut + "'");
  }
}
