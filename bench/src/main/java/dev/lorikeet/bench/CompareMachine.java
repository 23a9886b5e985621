package dev.lorikeet.bench;

import dev.lorikeet.job.Devices;
import dev.lorikeet.torch.Device;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What was measured on, for the head of a report. */
final class CompareMachine {
  private CompareMachine() {}

  static List<String> lines() throws IOException {
    List<String> lines = new ArrayList<>();
    lines.add("- " + LocalDate.now(ZoneOffset.UTC));
    lines.add(
        "- %s, %d cores, %s, %s"
            .formatted(
                processor(),
                Runtime.getRuntime().availableProcessors(),
                memory(),
                System.getProperty("os.name") + " " + System.getProperty("os.version")));
    try (Device device = Devices.open("cpu")) {
      Map<String, Object> description = Devices.describe(device);
      lines.add(
          "- Java %s, %s, %s threads"
              .formatted(Runtime.version(), description.get("blas"), description.get("threads")));
    }
    String command = System.getenv("LORIKEET_BENCH_COMMAND");
    if (command != null) {
      lines.add("- `" + command + "`");
    }
    return lines;
  }

  private static String processor() throws IOException {
    Path info = Path.of("/proc/cpuinfo");
    return Files.exists(info)
        ? Files.readAllLines(info).stream()
            .filter(line -> line.startsWith("model name"))
            .map(line -> line.replaceFirst("^[^:]*:\\s*", ""))
            .findFirst()
            .orElse(System.getProperty("os.arch"))
        : System.getProperty("os.arch");
  }

  private static String memory() throws IOException {
    Path info = Path.of("/proc/meminfo");
    return Files.exists(info)
        ? Files.readAllLines(info).stream()
            .filter(line -> line.startsWith("MemTotal"))
            .map(line ->
                String.format(
                    Locale.ROOT, "%.1f GB", Long.parseLong(line.replaceAll("\\D", "")) * 1024e-9))
            .findFirst()
            .orElse("memory unknown")
        : "memory unknown";
  }
}
