package dev.lorikeet.job;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.config.Recipe;
import dev.lorikeet.config.RunConfig;
import dev.lorikeet.format.AtomicFile;
import dev.lorikeet.run.RunStatus;
import dev.lorikeet.run.RunStore;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The first law: a training that is killed again and again ends with the bytes of a quiet one. */
@Tag("native")
@Tag("slow")
final class KilledRunTest {
  private static final int KILLS = 20;

  /** Far more than the killed processes can do. */
  private static final int STEPS = 140;

  /** Another seed: {@code -Dlorikeet.test.seed=N}. */
  private static final long SEED = Long.getLong("lorikeet.test.seed", 20261122);

  @TempDir private Path folder;
  private final Random random = new Random(SEED);
  private final List<String> story = new ArrayList<>();

  @Test
  void aRunThatIsKilledTwentyTimesEndsWithTheBytesOfAQuietOne() throws Exception {
    Path recipe = recipe();
    FineTuneResult quiet =
        FineTuning.run(
            Recipe.load(recipe, List.of()).with("output.dir='" + folder.resolve("quiet") + "'"));
    Process process = KilledRun.begin(recipe);
    String run = line(process).substring("run ".length());
    Path directory = folder.resolve("runs").resolve(run);
    int duringWrites = 0;
    for (int kill = 0; kill < KILLS; kill++) {
      await(kill, process, directory);
      assertTrue(process.isAlive(), () -> "ended before it was killed; " + told());
      process.destroyForcibly().waitFor();
      duringWrites += halfWritten(directory) ? 1 : 0;
      process = KilledRun.resume(folder.resolve("runs"), run);
    }
    while (process.inputReader().readLine() != null) {
      // Reads until the run is done.
    }
    assertEquals(0, process.waitFor(), this::told);
    int writes = duringWrites;
    assertTrue(writes >= 1, () -> "no kill fell into the writing of a checkpoint; " + told());
    assertSame(quiet, directory);
    assertEquals(List.of(), temporary(directory), this::told);
    try (RunStore store =
        RunStore.open(folder.resolve("runs"), FineTuneOptions.defaults().clock())) {
      assertEquals(RunStatus.FINISHED, store.get(run).status());
      assertEquals(STEPS, store.metrics(run).size());
    }
  }

  private Path recipe() {
    RunConfig config =
        TinyModel.recipe(folder, 20)
            .with(
                "adapter.lora_dropout=0.1",
                "data.validation=0.2",
                "train.schedule=cosine",
                "train.warmup_steps=5",
                "train.max_steps=" + STEPS,
                "train.epochs=null",
                "train.eval_steps=7",
                "train.checkpoint_steps=1");
    Path file = folder.resolve("recipe.yaml");
    AtomicFile.writeString(file, config.toYaml());
    return file;
  }

  /** Waits for the moment to kill: of every four, one is anywhere, two are in a checkpoint. */
  private void await(int kill, Process process, Path directory) throws Exception {
    switch (kill % 4) {
      case 1 -> {
        int millis = random.nextInt(900);
        story.add("after " + millis + " ms");
        Thread.sleep(millis);
      }
      case 2 -> {
        int steps = 1 + random.nextInt(3);
        int millis = random.nextInt(40);
        story.add("after %d steps and %d ms".formatted(steps, millis));
        for (int step = 0; step < steps; ) {
          step += line(process).startsWith("step ") ? 1 : 0;
        }
        Thread.sleep(millis);
      }
      default -> {
        story.add("in the writing of a checkpoint");
        while (!line(process).startsWith("step ")) {
          // The process may begin with what the one before left behind.
        }
        while (process.isAlive() && !halfWritten(directory)) {
          Thread.onSpinWait();
        }
      }
    }
  }

  private static String line(Process process) throws IOException {
    BufferedReader reader = process.inputReader();
    return Objects.requireNonNull(reader.readLine(), "the process ended");
  }

  private static boolean halfWritten(Path directory) throws IOException {
    Path checkpoints = directory.resolve("checkpoints");
    if (!Files.isDirectory(checkpoints)) {
      return false;
    }
    try (Stream<Path> files = Files.list(checkpoints)) {
      return files.anyMatch(file -> isTemporary(file) && !file.toString().contains(".old."));
    }
  }

  private static List<Path> temporary(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      return files.filter(KilledRunTest::isTemporary).toList();
    }
  }

  private static boolean isTemporary(Path file) {
    return String.valueOf(file.getFileName()).endsWith(".tmp");
  }

  private void assertSame(FineTuneResult quiet, Path directory) throws IOException {
    try (Stream<Path> files = Files.list(quiet.output())) {
      for (Path file : files.toList()) {
        assertArrayEquals(
            Files.readAllBytes(file),
            Files.readAllBytes(directory.resolve("adapter").resolve(file.getFileName())),
            () -> file.getFileName() + "; " + told());
      }
    }
    assertEquals(RunFiles.metrics(quiet.directory()), RunFiles.metrics(directory), this::told);
    assertEquals(RunFiles.checkpoints(quiet.directory()), RunFiles.checkpoints(directory));
  }

  private String told() {
    return "repeat with -Dlorikeet.test.seed=" + SEED + "; kills: " + story;
  }
}
