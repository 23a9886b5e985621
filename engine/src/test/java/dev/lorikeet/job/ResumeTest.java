package dev.lorikeet.job;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.config.RunConfig;
import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.LorikeetException;
import dev.lorikeet.error.RunException;
import dev.lorikeet.format.AtomicFolder;
import dev.lorikeet.format.PeftAdapter;
import dev.lorikeet.job.FineTuneResult.End;
import dev.lorikeet.job.ResumeRequest.Changes;
import dev.lorikeet.run.RunStatus;
import dev.lorikeet.run.RunStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A run that goes on gives what it would have given without the pause. */
@Tag("native")
final class ResumeTest {
  private static final int STEPS = 10;

  @TempDir private Path folder;
  private RunConfig recipe = RunConfig.of("nowhere", Path.of("nothing"));
  private final List<String> notices = new ArrayList<>();

  @BeforeEach
  void writeModelAndData() {
    recipe =
        TinyModel.recipe(folder, 20)
            .with(
                "adapter.lora_dropout=0.1",
                "data.validation=0.2",
                "train.schedule=cosine",
                "train.max_steps=" + STEPS,
                "train.epochs=null",
                "train.eval_steps=3",
                "train.checkpoint_steps=2");
  }

  private FineTuneResult stopped(RunConfig config, long step) {
    StopSignal stop = new StopSignal();
    FineTuneResult result =
        FineTuning.run(
            config,
            FineTuneOptions.defaults().stoppedBy(stop),
            new Listening(notices, step, stop::request));
    assertEquals(End.STOPPED, result.ending().end());
    assertEquals(step, result.steps());
    return result;
  }

  /** A run that ends without a word after {@code step}, and the checkpoint before it. */
  private String broken(RunConfig config, long step) {
    RunListener broken =
        new Listening(
            notices,
            step,
            () -> {
              throw new IllegalStateException("as if it was killed");
            });
    assertThrows(
        IllegalStateException.class,
        () -> FineTuning.run(config, FineTuneOptions.defaults(), broken));
    try (RunStore store = store()) {
      return store.list().getFirst().id();
    }
  }

  private Optional<FineTuneResult> resume(String run, String... overrides) {
    return resume(new ResumeRequest(runs(), run, List.of(overrides), Changes.REFUSE));
  }

  private Optional<FineTuneResult> resume(ResumeRequest request) {
    return FineTuning.resume(request, FineTuneOptions.defaults(), new Listening(notices));
  }

  private Path runs() {
    return folder.resolve("runs");
  }

  private RunStore store() {
    return RunStore.open(runs(), FineTuneOptions.defaults().clock());
  }

  @ParameterizedTest
  @ValueSource(strings = {"lora", "full"})
  void aStoppedRunGoesOnBitForBit(String technique) throws IOException {
    RunConfig config = recipe.with("adapter.technique=" + technique);
    FineTuneResult whole = FineTuning.run(config);
    FineTuneResult first = stopped(config, 5);
    try (RunStore store = store()) {
      assertEquals(RunStatus.STOPPED, store.get(first.runId()).status());
    }

    FineTuneResult second = resume(first.runId()).orElseThrow();

    assertEquals(first.directory(), second.directory());
    RunFiles.assertSameResult(whole, second);
    try (RunStore store = store()) {
      assertEquals(RunStatus.FINISHED, store.get(first.runId()).status());
      assertEquals(STEPS, store.metrics(first.runId()).size());
      assertTrue(
          store.events(first.runId()).stream()
              .anyMatch(event -> event.text().equals("resumed after step 5")));
    }
  }

  @Test
  void aRunThatIsStoppedAtEveryStepIsStillTheSame() throws IOException {
    FineTuneResult whole = FineTuning.run(recipe);
    FineTuneResult last = stopped(recipe, 1);
    while (last.ending().end() == End.STOPPED) {
      StopSignal stop = new StopSignal();
      last =
          FineTuning.resume(
                  ResumeRequest.of(runs(), last.runId()),
                  FineTuneOptions.defaults().stoppedBy(stop),
                  new Listening(notices, last.steps() + 1, stop::request))
              .orElseThrow();
    }
    RunFiles.assertSameResult(whole, last);
  }

  @Test
  void theAdapterOfAStoppedRunIsInItsCheckpoint() {
    FineTuneResult result = stopped(recipe, 3);
    assertEquals(result.directory().resolve("checkpoints/step-3/adapter"), result.output());
    assertEquals(14, PeftAdapter.read(result.output()).modules().size());
    assertFalse(Files.exists(result.directory().resolve("summary.json")));
  }

  @Test
  void aRunAskedBeforeItsFirstStepStopsWithACheckpointToo() throws IOException {
    StopSignal stop = new StopSignal();
    stop.request();
    FineTuneResult result =
        FineTuning.run(recipe, FineTuneOptions.defaults().stoppedBy(stop), RunListener.silent());
    assertEquals(0, result.steps());
    RunFiles.assertSameResult(FineTuning.run(recipe), resume(result.runId()).orElseThrow());
  }

  @Test
  void whatCameAfterTheCheckpointIsCutAndDoneAgain() throws IOException {
    FineTuneResult whole = FineTuning.run(recipe);
    String run = broken(recipe, 6);
    Path directory = runs().resolve(run);
    // A process that was killed while it wrote leaves half a line.
    Files.writeString(
        directory.resolve("metrics.jsonl"),
        Files.readString(directory.resolve("metrics.jsonl")) + "{\"step\":5,\"train_lo");

    FineTuneResult result = resume(run).orElseThrow();

    RunFiles.assertSameResult(whole, result);
  }

  @Test
  void aRunWithoutACheckpointBeginsAgain() throws IOException {
    FineTuneResult whole = FineTuning.run(recipe);
    String run = broken(recipe, 1);

    FineTuneResult result = resume(run).orElseThrow();

    assertTrue(notices.getLast().contains("has no checkpoint yet"), notices.toString());
    RunFiles.assertSameResult(whole, result);
  }

  @Test
  void onlyTheNewestCheckpointsAndTheBestOneAreKept() throws IOException {
    FineTuneResult result =
        FineTuning.run(recipe.with("train.checkpoint_steps=1", "train.eval_steps=4"));
    long best = result.ending().best().orElseThrow().step();
    List<Long> kept = new ArrayList<>(List.of(9L, 10L));
    if (best < 9) {
      kept.addFirst(best);
    }
    assertEquals(kept, RunFiles.checkpoints(result.directory()));
  }

  @ParameterizedTest
  @ValueSource(strings = {"truncated", "flipped", "missing", "unsummed"})
  void aDamagedCheckpointFallsBackToTheOneBeforeAndSaysSo(String damage) throws IOException {
    FineTuneResult whole = FineTuning.run(recipe);
    String run = broken(recipe, 7);
    Path newest = runs().resolve(run).resolve("checkpoints/step-6");
    damage(newest, damage);

    FineTuneResult result = resume(run).orElseThrow();

    assertTrue(
        notices.stream().anyMatch(text -> text.startsWith("checkpoint " + newest + " is damaged")),
        notices.toString());
    RunFiles.assertSameResult(whole, result);
    try (RunStore store = store()) {
      assertTrue(
          store.events(run).stream().anyMatch(event -> event.text().contains("is damaged: ")));
      assertTrue(
          store.events(run).stream()
              .anyMatch(event -> event.text().equals("resumed after step 4")));
    }
  }

  private static void damage(Path checkpoint, String damage) throws IOException {
    Path file = checkpoint.resolve("optimizer.safetensors");
    byte[] bytes = Files.readAllBytes(file);
    switch (damage) {
      case "truncated" -> Files.write(file, Arrays.copyOf(bytes, bytes.length - 1));
      case "flipped" -> {
        bytes[bytes.length / 2] ^= 1;
        Files.write(file, bytes);
      }
      case "missing" -> Files.delete(file);
      default -> Files.delete(checkpoint.resolve("SHA256SUMS"));
    }
  }

  @Test
  void whereNoCheckpointIsWholeNothingIsDone() throws IOException {
    String run = broken(recipe, 7);
    damage(runs().resolve(run).resolve("checkpoints/step-6"), "missing");
    damage(runs().resolve(run).resolve("checkpoints/step-4"), "flipped");
    var before = TinyModel.contents(runs().resolve(run));

    RunException failure = assertThrows(RunException.class, () -> resume(run));

    assertSays(
        failure,
        "No checkpoint of run " + run + " is whole",
        "step-6 is damaged: optimizer.safetensors is missing",
        "step-4 is damaged: optimizer.safetensors (",
        "Train anew with: lorikeet finetune ");
    assertEquals(before, TinyModel.contents(runs().resolve(run)));
  }

  @Test
  void aChangedRecipeIsRefusedWithTheDifference() {
    String run = stopped(recipe, 4).runId();
    var before = TinyModel.contents(runs().resolve(run));
    ConfigException failure =
        assertThrows(
            ConfigException.class,
            () -> resume(run, "train.learning_rate=1.0e-4", "train.max_steps=20"));
    assertSays(
        failure,
        "Run " + run + " was trained otherwise, so it would not go on bit for bit:",
        "train.max_steps: 10 then, 20 now",
        "train.learning_rate: 0.005 then, 1.0E-4 now",
        "The run gets 20 steps instead of 10",
        "accept them with --allow-changes");
    assertEquals(before, TinyModel.contents(runs().resolve(run)));
  }

  @Test
  void changedDataAndWeightsAreRefused() throws IOException {
    String run = stopped(recipe, 4).runId();
    TinyModel.data(folder.resolve("train.jsonl"), TinyModel.records(1, 20));
    TinyModel.write(folder.resolve("tiny"), "§");
    ConfigException failure = assertThrows(ConfigException.class, () -> resume(run));
    assertSays(failure, "data.train_sha256: ", "model_fingerprint: ", " then, ", " now");
  }

  @Test
  void anotherThreadCountAndOtherKernelsAreDifferences() {
    String run = stopped(recipe, 4).runId();
    Resumption resumption =
        Resumption.find(ResumeRequest.of(runs(), run), FineTuneOptions.defaults().clock())
            .orElseThrow();
    var identity = RunIdentity.of(resumption.run().provenance());
    assertEquals(List.of(), resumption.changes(resumption.config(), identity));
    assertEquals(7, identity.size(), identity.toString());
    var other = new LinkedHashMap<>(identity);
    other.put("threads", "77");
    other.put("blas", "OpenBLAS (Other kernels)");
    List<String> changes = resumption.changes(resumption.config(), other);
    assertEquals(2, changes.size(), changes.toString());
    assertTrue(changes.getFirst().endsWith(" then, 77 now"), changes.toString());
    assertTrue(changes.getLast().startsWith("blas: "), changes.toString());
  }

  @Test
  void whatCannotGoOnIsRefusedAndTheRunStaysAsItWas() {
    String run = stopped(recipe, 4).runId();
    var before = TinyModel.contents(runs().resolve(run));
    assertSays(
        assertThrows(
            ConfigException.class,
            () -> resume(new ResumeRequest(runs(), run, List.of("adapter.r=4"), Changes.ALLOW))),
        "a run goes on only with the same technique, rank and targets");
    assertSays(
        assertThrows(
            ConfigException.class,
            () ->
                resume(
                    new ResumeRequest(runs(), run, List.of("train.max_steps=2"), Changes.ALLOW))),
        "has done 4 steps already, but its recipe now ends after 2");
    assertEquals(before, TinyModel.contents(runs().resolve(run)));
  }

  @Test
  void aFinishedRunHasNothingToDo() {
    FineTuneResult result = FineTuning.run(recipe);
    var before = TinyModel.contents(result.directory());
    assertEquals(Optional.empty(), resume(result.runId()));
    assertEquals(before, TinyModel.contents(result.directory()));
  }

  @Test
  void aFinishedRunTrainsOnAndIsALongerRunWhereTheRateIsConstant() throws IOException {
    RunConfig constant = recipe.with("train.schedule=constant");
    FineTuneResult longer = FineTuning.run(constant.with("train.max_steps=14"));
    FineTuneResult first = FineTuning.run(constant.with("train.max_steps=8"));
    assertThrows(ConfigException.class, () -> resume(first.runId(), "train.max_steps=14"));

    FineTuneResult second =
        resume(
                new ResumeRequest(
                    runs(), first.runId(), List.of("train.max_steps=14"), Changes.ALLOW))
            .orElseThrow();

    assertTrue(notices.getLast().startsWith("The run gets 14 steps instead of 8"));
    assertArrayEquals(RunFiles.weights(longer), RunFiles.weights(second));
    assertEquals(14, Files.readAllLines(second.directory().resolve("metrics.jsonl")).size());
    assertTrue(
        Files.readString(second.directory().resolve("recipe.yaml")).contains("max_steps: 14"));
    assertTrue(
        Files.readString(second.directory().resolve("provenance.json"))
            .contains("train.max_steps: 8 then, 14 now"));
    assertEquals(Optional.empty(), resume(first.runId()));
  }

  @Test
  void aRunThatIsAtWorkIsLeftAlone() {
    List<LorikeetException> failures = new ArrayList<>();
    RunListener intruder =
        new RunListener() {
          @Override
          public void started(Start start) {
            failures.add(assertThrows(ConfigException.class, () -> resume(start.runId())));
          }
        };
    FineTuning.run(recipe, FineTuneOptions.defaults(), intruder);
    assertSays(failures.getFirst(), "is at work in another process");
  }

  @Test
  void aCheckpointOfALaterLorikeetIsNamed() throws IOException {
    String run = stopped(recipe, 4).runId();
    Path checkpoint = runs().resolve(run).resolve("checkpoints/step-4");
    Path state = checkpoint.resolve("state.json");
    String text = Files.readString(state).replaceFirst("\"version\" : 1", "\"version\" : 9");
    AtomicFolder.write(
        checkpoint, temporary -> Files.writeString(temporary.resolve("state.json"), text));
    LorikeetException failure = assertThrows(LorikeetException.class, () -> resume(run));
    assertSays(failure, state + ": layout version 9, but this Lorikeet reads version 1");
  }

  private static void assertSays(RuntimeException failure, String... parts) {
    String message = String.valueOf(failure.getMessage());
    for (String part : parts) {
      assertTrue(message.contains(part), "\"" + part + "\" is not in: " + message);
    }
  }
}
