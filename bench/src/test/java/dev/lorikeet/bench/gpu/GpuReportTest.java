package dev.lorikeet.bench.gpu;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;

final class GpuReportTest {
  private static final String NO_PEFT =
      "{\"who\":\"peft\",\"shape\":\"three_b\",\"technique\":\"lora\",\"missing\":\"no module named peft\"}";

  /** The first step of 9 seconds does not count. */
  private static String line(
      String who, String device, String technique, double seconds, long bytes) {
    return String.format(
        Locale.ROOT,
        "{\"who\":\"%s\",\"device\":\"%s\",\"shape\":\"three_b\",\"technique\":\"%s\",\"steps\":[9,%s,%s,%s],\"peak_bytes\":%d,\"versions\":\"torch 2\"}",
        who,
        device,
        technique,
        seconds,
        seconds / 2,
        2 * seconds,
        bytes);
  }

  private static List<String> lines(String device) {
    return List.of(
        line("lorikeet", device, "lora", 1.0, 8L << 30),
        line("lorikeet", device, "dora", 1.1, 8L << 30),
        line("lorikeet", device, "qlora", 1.024, 3L << 30),
        line("peft", device, "qlora", 2.048, 8L << 30),
        NO_PEFT);
  }

  @Test
  void mediansRatiosAndTargetsComeFromTheLines() {
    String text = new GpuReport(lines("cuda")).text("# A machine");
    for (String expected :
        List.of(
            "# A machine\n",
            "4 sequences of 512 tokens",
            "PEFT ran with torch 2",
            "| three_b | lora | 2048 (1024–4096) | 8.00 | 1.00 | – | – | – | – |",
            "| three_b | qlora | 2000 (1000–4000) | 3.00 | 1.02 | 1000 (500–2000) | 8.00 | 2.00 | 0.38 |",
            "| three_b: QLoRA tokens/s / PEFT | ≥ 1.8 | 2.00, met |",
            "| three_b: QLoRA memory / PEFT | ≤ 0.5 | 0.38, met |",
            "| three_b: DoRA step / LoRA step | ≤ 1.05 | 1.10, missed |",
            "| three_b: QLoRA step / LoRA step | ≤ 1.15 | 1.02, met |",
            "- three_b lora peft: no module named peft",
            "- three_b dora peft: not run")) {
      assertTrue(text.contains(expected), expected + " in\n" + text);
    }
  }

  @Test
  void numbersAreWrittenTheSameInEveryLocale() {
    String expected = new GpuReport(lines("cuda")).text("");
    Locale before = Locale.getDefault();
    try {
      Locale.setDefault(Locale.GERMANY);
      assertTrue(expected.equals(new GpuReport(lines("cuda")).text("")));
    } finally {
      Locale.setDefault(before);
    }
  }

  @Test
  void aDryRunMeetsNoTarget() {
    String text = new GpuReport(lines("cpu")).text("");
    assertTrue(text.contains("| three_b | lora | 2048 (1024–4096) |"), text);
    assertTrue(text.contains("| three_b: QLoRA tokens/s / PEFT | ≥ 1.8 | not measured |"), text);
    assertTrue(text.contains("| three_b: QLoRA memory / PEFT | ≤ 0.5 | not measured |"), text);
    assertTrue(text.contains("| three_b: DoRA step / LoRA step | ≤ 1.05 | not measured |"), text);
    assertFalse(text.contains(", met"), text);
  }

  @Test
  void withoutAPeerItIsNamedOnce() {
    String text = new GpuReport(List.of(line("lorikeet", "cuda", "lora", 1, 1))).text("");
    assertTrue(
        text.endsWith("Not measured:\n\n- PEFT: not run, for no Python was named (--python)\n"),
        text);
  }

  @Test
  void whatDiedInOneRoundIsNamedBesideTheOthers() {
    String died =
        "{\"who\":\"lorikeet\",\"shape\":\"three_b\",\"technique\":\"lora\",\"missing\":\"ended with status 137: \"}";
    String text = new GpuReport(List.of(line("lorikeet", "cuda", "lora", 1, 1), died)).text("");
    assertTrue(text.contains("| three_b | lora | 2048 (1024–4096) |"), text);
    assertTrue(text.contains("- three_b lora lorikeet: ended with status 137: \n"), text);
  }
}
