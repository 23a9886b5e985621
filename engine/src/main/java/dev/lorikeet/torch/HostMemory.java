package dev.lorikeet.torch;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** The main memory that this process can still have. */
public final class HostMemory {
  private static final Path MEMINFO = Path.of("/proc/meminfo");
  private static final int KIBI = 1024;

  private HostMemory() {}

  /**
   * Bytes that can be taken before the machine swaps or the container ends the process: what the
   * kernel calls available, file cache that it can drop included, and no more than the container's
   * limit leaves.
   */
  public static long availableBytes() {
    long machine = ofMachine();
    return ContainerMemory.ofThisProcess()
        .map(container -> Math.min(machine, container.freeBytes()))
        .orElse(machine);
  }

  private static long ofMachine() {
    try {
      if (Files.isReadable(MEMINFO)) {
        for (String line : Files.readAllLines(MEMINFO, StandardCharsets.UTF_8)) {
          if (line.startsWith("MemAvailable:")) {
            return Long.parseLong(line.replaceAll("[^0-9]", "")) * KIBI;
          }
        }
      }
    } catch (IOException unreadable) {
      return free();
    }
    return free();
  }

  private static long free() {
    return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
        .getFreeMemorySize();
  }
}
