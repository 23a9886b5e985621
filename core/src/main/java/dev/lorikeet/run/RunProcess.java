package dev.lorikeet.run;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;

/**
 * Names the process that does a run, so that a run whose process was killed is not shown as running
 * for ever. Text form: {@code pid@startMillis@namespace}.
 *
 * @param pid its number
 * @param startMillis when it started, which tells it from a later process of the same number
 * @param namespace Linux: the set of processes in which the number counts, one per container; empty
 *     elsewhere
 */
record RunProcess(long pid, long startMillis, String namespace) {
  private static final Path NAMESPACE = Path.of("/proc/self/ns/pid");

  /** Linux derives start times from the clock, so that a correction of the clock moves them. */
  private static final long CLOCK_CORRECTION_MILLIS = 60_000;

  static RunProcess current() {
    ProcessHandle self = ProcessHandle.current();
    return new RunProcess(self.pid(), startMillis(self), currentNamespace());
  }

  static Optional<RunProcess> parse(String text) {
    String[] parts = text.split("@", 3);
    try {
      return Optional.of(
          new RunProcess(Long.parseLong(parts[0]), Long.parseLong(parts[1]), parts[2]));
    } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
      return Optional.empty();
    }
  }

  /** True only where the process surely ended; processes of another container are unknown. */
  boolean hasEnded() {
    if (!namespace.equals(currentNamespace())) {
      return false;
    }
    Optional<ProcessHandle> process = ProcessHandle.of(pid).filter(ProcessHandle::isAlive);
    return process
        .map(alive -> Math.abs(startMillis(alive) - startMillis) > CLOCK_CORRECTION_MILLIS)
        .orElse(true);
  }

  @Override
  public String toString() {
    return pid + "@" + startMillis + "@" + namespace;
  }

  private static long startMillis(ProcessHandle process) {
    return process.info().startInstant().map(Instant::toEpochMilli).orElse(0L);
  }

  private static String currentNamespace() {
    try {
      return Files.isSymbolicLink(NAMESPACE) ? Files.readSymbolicLink(NAMESPACE).toString() : "";
    } catch (IOException e) {
      return "";
    }
  }
}
