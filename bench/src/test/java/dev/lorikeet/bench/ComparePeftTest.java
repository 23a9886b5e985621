package dev.lorikeet.bench;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole comparison on tiny models; skipped where no Python with peft is named. */
@Tag("slow")
final class ComparePeftTest {

  @Test
  void bothSidesGiveTheSameLosses(@TempDir Path folder) throws Exception {
    String python = System.getenv("LORIKEET_REFERENCE_PYTHON");
    Assumptions.assumeTrue(
        python != null, "LORIKEET_REFERENCE_PYTHON names no Python with torch and peft");
    Path report = folder.resolve("report.md");
    ComparePeft.main(
        new String[] {
          folder.resolve("work").toString(),
          "1",
          "1",
          python,
          Path.of("peer.py").toAbsolutePath().toString(),
          report.toString(),
          "tiny",
          "dense",
          "ragged",
          "dora",
          "full"
        });
    String text = Files.readString(report);
    assertTrue(text.contains("| dense | tiny, lora, 4 × 512 |"), text);
    assertTrue(text.contains("| full | tiny, full, 4 × 512 |"), text);
  }
}
