package dev.lorikeet.job;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;

/** What this process uses of the machine. */
final class ProcessUsage {
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final int KIBI = 1024;

  private final OperatingSystemMXBean system =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
  private long lastCpuNanos = system.getProcessCpuTime();
  private long lastNanos = System.nanoTime();

  /** Share of all processors used since the last call, 0 to 1. */
  double cpuUtilisation() {
    long cpu = system.getProcessCpuTime();
    long now = System.nanoTime();
    double capacity = (double) (now - lastNanos) * system.getAvailableProcessors();
    double share = capacity <= 0 ? 0 : (cpu - lastCpuNanos) / capacity;
    lastCpuNanos = cpu;
    lastNanos = now;
    return Math.clamp(share, 0.0, 1.0);
  }

  /** The most resident memory this process ever had, where the system tells. */
  static OptionalLong peakResidentBytes() {
    try {
      for (String line : Files.readAllLines(STATUS, StandardCharsets.UTF_8)) {
        if (line.startsWith("VmHWM:")) {
          String kibibytes = line.replaceAll("[^0-9]", "");
          return OptionalLong.of(Long.parseLong(kibibytes) * KIBI);
        }
      }
    } catch (IOException notLinux) {
      return OptionalLong.empty();
    }
    return OptionalLong.empty();
  }
}
