package dev.lorikeet.job;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.config.RunConfig;
import dev.lorikeet.error.ConfigException;
import dev.lorikeet.format.PeftAdapter;
import dev.lorikeet.job.ResumeRequest.Changes;
import dev.lorikeet.run.RunRecord;
import dev.lorikeet.run.RunStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongUnaryOperator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A run that chooses its micro-batch is the run that was given that size, now and resumed. */
@Tag("native")
final class AutoMicroBatchTest {
  /**
   * Adam divides by a gradient's size, so rounding reaches the update where gradients are small.
   */
  private static final float UPDATE_TOLERANCE = 1e-4f;

  private static final String KEPT = "train.micro_batch: auto is 8, as chosen when the run began";

  @TempDir private Path folder;
  private final List<String> notices = new ArrayList<>();
  private RunConfig recipe = RunConfig.of("nowhere", Path.of("nothing"));

  /** A clock that goes on by itself, by so many milliseconds at its n-th reading. */
  private static final class Ticking extends Clock {
    private final LongUnaryOperator millis;
    private long readings;
    private Instant now = Instant.parse("2026-11-22T18:42:33Z");

    Ticking(LongUnaryOperator millis) {
      this.millis = millis;
    }

    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      return this;
    }

    @Override
    public Instant instant() {
      readings++;
      now = now.plusMillis(millis.applyAsLong(readings));
      return now;
    }
  }

  /** Every pass takes the same time, so that the largest size is the fastest. */
  private static Clock large() {
    return new Ticking(_ -> 1);
  }

  /** Later passes take much more time, so that the smallest size is the fastest. */
  private static Clock small() {
    return new Ticking(reading -> reading * reading * reading);
  }

  @BeforeEach
  void prepare() {
    recipe =
        TinyModel.recipe(folder, 16)
            .with(
                "adapter.lora_dropout=0.1",
                "data.validation=0.1",
                "train.global_batch=8",
                "train.micro_batch=auto",
                "train.max_steps=4",
                "train.epochs=null",
                "train.checkpoint_steps=1");
  }

  private FineTuneResult run(RunConfig config, Clock clock) {
    return FineTuning.run(config, options(clock), new Listening(notices));
  }

  private static FineTuneOptions options(Clock clock) {
    FineTuneOptions plain = FineTuneOptions.defaults();
    return new FineTuneOptions(plain.out(), plain.commandLine(), plain.versions(), clock);
  }

  private FineTuneResult stopped(Clock clock, long step) {
    StopSignal stop = new StopSignal();
    return FineTuning.run(
        recipe, options(clock).stoppedBy(stop), new Listening(notices, step, stop::request));
  }

  private FineTuneResult resume(String run, Clock clock, Changes changes, String... overrides) {
    return FineTuning.resume(
            new ResumeRequest(folder.resolve("runs"), run, List.of(overrides), changes),
            options(clock),
            new Listening(notices))
        .orElseThrow();
  }

  private RunRecord record(FineTuneResult result) {
    try (RunStore store = RunStore.open(folder.resolve("runs"), large())) {
      return store.get(result.runId());
    }
  }

  private static String file(FineTuneResult result, String name) throws IOException {
    return Files.readString(result.directory().resolve(name));
  }

  @ParameterizedTest
  @ValueSource(strings = {"lora", "dora", "qlora", "full"})
  void theRunIsBitForBitTheOneWithTheChosenSize(String technique) throws IOException {
    RunConfig config = recipe.with("adapter.technique=" + technique);
    if (!technique.equals("lora")) {
      config = config.with("adapter.lora_dropout=0.0");
    }
    FineTuneResult chosen = run(config, large());
    assertTrue(file(chosen, "recipe.yaml").contains("micro_batch: 8\n"));
    assertEquals(1, notices.size(), notices.toString());
    RunFiles.assertSameResult(run(config.with("train.micro_batch=8"), large()), chosen);
    FineTuneResult other = run(config, small());
    assertTrue(file(other, "recipe.yaml").contains("micro_batch: 1\n"));
    RunFiles.assertSameResult(run(config.with("train.micro_batch=1"), large()), other);
  }

  @Test
  void twoChoicesAgreeWithinRounding() {
    FineTuneResult large = run(recipe, large());
    FineTuneResult small = run(recipe, small());
    assertArrayEquals(firstMatrix(large), firstMatrix(small), UPDATE_TOLERANCE);
    assertEquals(large.trainLoss(), small.trainLoss(), UPDATE_TOLERANCE);
  }

  private static float[] firstMatrix(FineTuneResult result) {
    return PeftAdapter.read(result.output()).modules().values().iterator().next().b().toArray();
  }

  @Test
  void theChoiceIsToldAndRecorded() throws IOException {
    FineTuneResult result = run(recipe, large());
    String told = notices.getFirst();
    assertTrue(told.startsWith("train.micro_batch: auto is 8 (tokens a second by size: 1: "), told);
    assertTrue(told.endsWith("within rounding, not bit for bit."), told);
    assertTrue(file(result, "log.txt").contains(told));
    RunRecord run = record(result);
    assertTrue(run.recipe().contains("micro_batch: 8\n"), run.recipe());
    String choice = String.valueOf(run.provenance().get("micro_batch_choice"));
    assertTrue(
        choice.matches(
            "\\{micro_batch=8, tokens_per_second=\\{1=[^,]+, 2=[^,]+, 4=[^,]+, 8=[^,]+}}"),
        choice);
    FineTuneResult given = run(recipe.with("train.micro_batch=8"), large());
    assertFalse(record(given).provenance().containsKey("micro_batch_choice"));
  }

  @Test
  void aResumedRunKeepsTheChoiceAndIsTheSame() throws IOException {
    FineTuneResult whole = run(recipe, large());
    FineTuneResult first = stopped(large(), 2);
    notices.clear();

    FineTuneResult second = resume(first.runId(), small(), Changes.REFUSE);

    RunFiles.assertSameResult(whole, second);
    assertEquals(List.of(), notices, "nothing is tried again");
    assertTrue(file(second, "log.txt").contains(KEPT));
    assertTrue(record(second).provenance().containsKey("micro_batch_choice"));
    assertTrue(record(second).recipe().contains("micro_batch: 8\n"));
  }

  @Test
  void choosingAnewIsAChangeWhereItGivesAnotherSize() throws IOException {
    String run = stopped(large(), 2).runId();
    ConfigException refused =
        assertThrows(
            ConfigException.class,
            () -> resume(run, small(), Changes.REFUSE, "train.micro_batch=auto"));
    assertTrue(
        String.valueOf(refused.getMessage()).contains("train.micro_batch: 8 then, 1 now"),
        refused.getMessage());

    FineTuneResult other = resume(run, small(), Changes.ALLOW, "train.micro_batch=auto");

    assertTrue(file(other, "recipe.yaml").contains("micro_batch: 1\n"));
    assertTrue(file(other, "provenance.json").contains("train.micro_batch: 8 then, 1 now"));
  }

  @Test
  void onlySizesThatFitAreTried() throws IOException {
    long peak = run(recipe.with("train.micro_batch=8"), large()).peakBytes();
    FineTuneResult tight =
        FineTuning.run(recipe, options(large()).within(peak), new Listening(notices));
    assertTrue(file(tight, "recipe.yaml").contains("micro_batch: 4\n"), notices.toString());
    assertTrue(tight.peakBytes() <= 0.9 * peak, tight + " of " + peak);
  }

  @Test
  void aSizeThatIsPartOfTheResultIsNotCut() throws IOException {
    RunConfig means = recipe.with("train.micro_batch=8", "train.loss_weighting=micro_batch");
    long peak = run(means, large()).peakBytes();
    FineTuneResult tight =
        FineTuning.run(means, options(large()).within(peak), new Listening(notices));
    assertTrue(file(tight, "recipe.yaml").contains("micro_batch: 8\n"), notices.toString());
    assertTrue(file(tight, "recipe.yaml").contains("recompute: true\n"), notices.toString());
  }

  @Test
  void aRunThatFindsLessMemoryThanBeforeIsNotResumedInOtherPartsUnasked() throws IOException {
    long peak = run(recipe.with("train.micro_batch=8"), large()).peakBytes();
    String run = stopped(large(), 2).runId();
    ResumeRequest request = ResumeRequest.of(folder.resolve("runs"), run);
    ConfigException refused =
        assertThrows(
            ConfigException.class,
            () ->
                FineTuning.resume(request, options(large()).within(peak), new Listening(notices)));
    assertTrue(
        String.valueOf(refused.getMessage()).contains("train.micro_batch: 8 then, 4 now"),
        refused.getMessage());
  }
}
