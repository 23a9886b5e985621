package dev.lorikeet.job;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.config.RunConfig;
import dev.lorikeet.error.ConfigException;
import dev.lorikeet.format.PeftAdapter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run finds its way into less memory than its recipe asks for. */
@Tag("native")
final class MemoryFitTest {
  /**
   * Adam divides by a gradient's size, so rounding reaches the update where gradients are small.
   */
  private static final float UPDATE_TOLERANCE = 1e-4f;

  @TempDir private Path folder;
  private final List<String> notices = new ArrayList<>();
  private RunConfig recipe = RunConfig.of("nowhere", Path.of("nothing"));

  @BeforeEach
  void prepare() {
    recipe =
        TinyModel.recipe(folder, 16)
            .with("train.global_batch=8", "train.micro_batch=8", "train.max_steps=3");
  }

  @Test
  void aRunInHalfTheMemoryTakesSmallerMicroBatchesAndLearnsTheSame() {
    FineTuneResult roomy = run(recipe, 1L << 30);
    assertEquals(List.of(), aboutMemory());
    FineTuneResult tight = run(recipe, roomy.peakBytes());
    assertEquals(1, aboutMemory().size(), notices.toString());
    assertTrue(
        aboutMemory().getFirst().startsWith("train.micro_batch 8 does not fit"),
        notices.toString());
    assertTrue(tight.peakBytes() <= 0.9 * roomy.peakBytes(), tight + " " + roomy);
    assertTrue(written(tight).contains("micro_batch: 4"), written(tight));
    assertArrayEquals(firstMatrix(roomy), firstMatrix(tight), UPDATE_TOLERANCE);
  }

  @Test
  void aRunInLittleMemoryRecomputes() {
    RunConfig single = recipe.with("train.micro_batch=1");
    long peak = run(single, 1L << 30).peakBytes();
    FineTuneResult tight = run(single, Math.round(peak / 0.9) - 4096);
    assertEquals(1, aboutMemory().size(), notices.toString());
    assertTrue(aboutMemory().getLast().contains("train.recompute"), notices.toString());
    assertTrue(tight.peakBytes() < peak);
    assertTrue(written(tight).contains("recompute: true"), written(tight));
  }

  @Test
  void whatNeverFitsIsRefusedBeforeAnythingIsWritten() {
    long peak = run(recipe, 1L << 30).peakBytes();
    ConfigException step = assertThrows(ConfigException.class, () -> run(recipe, peak / 3));
    assertTrue(
        String.valueOf(step.getMessage()).startsWith("a step does not fit into memory"),
        step.getMessage());
    ConfigException weights = assertThrows(ConfigException.class, () -> run(recipe, 1_000));
    assertTrue(
        String.valueOf(weights.getMessage()).startsWith("the weights of "), weights.getMessage());
    assertFalse(Files.exists(folder.resolve("refused")));
  }

  private List<String> aboutMemory() {
    return notices.stream().filter(notice -> !notice.startsWith("data file ")).toList();
  }

  private FineTuneResult run(RunConfig config, long memoryBytes) {
    return FineTuning.run(
        config, FineTuneOptions.defaults().within(memoryBytes), new Listening(notices));
  }

  private static String written(FineTuneResult result) {
    try {
      return Files.readString(result.directory().resolve("recipe.yaml"));
    } catch (IOException failure) {
      throw new java.io.UncheckedIOException(failure);
    }
  }

  private static float[] firstMatrix(FineTuneResult result) {
    return PeftAdapter.read(result.output()).modules().values().iterator().next().b().toArray();
  }
}
