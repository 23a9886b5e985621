package dev.lorikeet.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.lorikeet.config.RunConfig;
import dev.lorikeet.fixture.Checkpoints;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real pretrained model tuned on real files: held-out loss falls by what was measured. */
@Tag("slow")
final class RealInputTest {
  private static final Path DATA = Path.of("../../shared/data");
  private static final Path SHAKESPEARE = DATA.resolve("text/tinyshakespeare/input.txt");
  private static final Path ALPACA = DATA.resolve("instruct/alpaca_en_demo.json");
  private static final Path INSTRUCTIONS = DATA.resolve("instruct/instruction-data.json");

  /** Nats a token; measured 5.13 to 3.30. */
  private static final double LEAST_FALL_ON_SHAKESPEARE = 1.5;

  /** Nats a token of the answers; measured 4.36 to 3.32. */
  private static final double LEAST_FALL_ON_ALPACA = 0.8;

  /** Nats a token of the answers; measured 5.48 to 3.61. */
  private static final double LEAST_FALL_ON_INSTRUCTIONS = 1.5;

  @TempDir private Path folder;

  @Test
  void storiesLearnShakespeare() {
    FineTuneResult result = tune(SHAKESPEARE, "data.format=text", "data.max_seq_len=128");
    assertFalls(LEAST_FALL_ON_SHAKESPEARE, result);
  }

  @Test
  void storiesLearnAlpacasAnswers() {
    FineTuneResult result = tune(ALPACA, "data.format=alpaca", "data.max_seq_len=256");
    assertFalls(LEAST_FALL_ON_ALPACA, result);
  }

  @Test
  void storiesLearnShortInstructions() {
    FineTuneResult result = tune(INSTRUCTIONS, "data.format=alpaca", "data.max_seq_len=256");
    assertFalls(LEAST_FALL_ON_INSTRUCTIONS, result);
  }

  private FineTuneResult tune(Path data, String format, String length) {
    assumeTrue(Files.exists(Checkpoints.STORIES), "stories260K is not at " + Checkpoints.STORIES);
    assumeTrue(Files.exists(data), data.getFileName() + " is not at " + data);
    RunConfig recipe =
        RunConfig.of(Checkpoints.STORIES.toString(), data)
            .with(
                format,
                length,
                "data.validation=0.02",
                "adapter.r=16",
                "adapter.lora_alpha=32",
                "train.max_steps=30",
                "train.learning_rate=3.0e-3",
                "train.global_batch=8",
                "train.micro_batch=8",
                "output.dir='" + folder + "'");
    return FineTuning.run(recipe);
  }

  private static void assertFalls(double least, FineTuneResult result) {
    double before = result.validationBefore().orElseThrow();
    double after = result.validationAfter().orElseThrow();
    assertTrue(
        before - after >= least,
        "held-out loss went from %.4f to %.4f, which is less than %.2f"
            .formatted(before, after, least));
    assertEquals(30, result.steps());
  }
}
