package dev.lorikeet.bench.gpu;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

final class GpuReportTest {
  private static String line(String who, String technique, double seconds, long bytes) {
    return "{\"who\":\"%s\",\"shape\":\"three_b\",\"technique\":\"%s\",\"seconds\":[9,%s,%s],\"peak_bytes\":%d}"
        .formatted(who, technique, seconds, seconds / 2, bytes);
  }

  @Test
  void mediansRatiosAndTargetsComeFromTheLines() {
    String text =
        new GpuReport(
                List.of(
                    line("lorikeet", "lora", 1.0, 8L << 30),
                    line("lorikeet", "dora", 1.1, 8L << 30),
                    line("lorikeet", "qlora", 1.024, 3L << 30),
                    line("peft", "qlora", 2.048, 8L << 30),
                    "{\"who\":\"peft\",\"shape\":\"three_b\",\"technique\":\"lora\",\"missing\":\"no module named peft\"}"))
            .text("# A machine");
    for (String expected :
        List.of(
            "# A machine\n",
            "| three_b | lora | 2048 | 8.00 | 1.00 | – | – | – | – |",
            "| three_b | qlora | 2000 | 3.00 | 1.02 | 1000 | 8.00 | 2.00 | 0.38 |",
            "| three_b: DoRA step / LoRA step | ≤ 1.05 | 1.10, missed |",
            "| three_b: QLoRA step / LoRA step | ≤ 1.15 | 1.02, met |",
            "| three_b: QLoRA tokens/s / PEFT | ≥ 1.8 | 2.00, met |",
            "| three_b: QLoRA memory / PEFT | ≤ 0.5 | 0.38, met |",
            "- three_b lora peft: no module named peft",
            "- three_b dora peft: not run")) {
      assertTrue(text.contains(expected), expected + " in\n" + text);
    }
  }
}
