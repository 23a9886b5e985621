package dev.lorikeet.torch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The memory that a Linux control group allows this process, which in a container is less than the
 * machine's.
 *
 * @param limitBytes the smallest limit of the group and the groups around it
 * @param usedBytes what that group uses, without the file cache that the kernel can drop
 */
public record ContainerMemory(long limitBytes, long usedBytes) {
  /** Version 1 writes "no limit" as the largest multiple of the page size. */
  private static final long NO_LIMIT = 1L << 60;

  /** What the files of a control group are called. */
  private enum Layout {
    VERSION_1("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    VERSION_2("memory.max", "memory.current", "inactive_file");

    private final String limit;
    private final String used;
    private final String droppable;

    Layout(String limit, String used, String droppable) {
      this.limit = limit;
      this.used = used;
      this.droppable = droppable;
    }
  }

  /** The limit on this process; empty without one and on other systems than Linux. */
  public static Optional<ContainerMemory> ofThisProcess() {
    return read(Path.of("/proc/self/cgroup"), Path.of("/sys/fs/cgroup"));
  }

  /** What the process may still take before it is ended. */
  public long freeBytes() {
    return Math.max(0, limitBytes - usedBytes);
  }

  /**
   * Reads both versions of control groups; empty without a limit and on other systems.
   *
   * @param membership normally {@code /proc/self/cgroup}
   * @param root normally {@code /sys/fs/cgroup}
   */
  static Optional<ContainerMemory> read(Path membership, Path root) {
    // A line is hierarchy:controllers:path; version 2 has no controllers there.
    return lines(membership)
        .map(line -> line.split(":", 3))
        .filter(parts -> parts.length == 3)
        .flatMap(parts -> {
          if (parts[1].isEmpty()) {
            return groups(root, parts[2], Layout.VERSION_2);
          }
          return List.of(parts[1].split(",")).contains("memory")
              ? groups(root.resolve("memory"), parts[2], Layout.VERSION_1)
              : Stream.empty();
        })
        .min(Comparator.comparingLong(ContainerMemory::limitBytes));
  }

  /** The limits of the group at {@code path} and of all groups around it. */
  private static Stream<ContainerMemory> groups(Path root, String path, Layout layout) {
    // In a container the path may be the host's, and only its end is mounted here: the files that
    // are missing on the way up are passed over.
    Path group = root.resolve(path.replaceFirst("^/+", "")).normalize();
    return Stream.iterate(group, at -> at.startsWith(root), at -> at.resolve("..").normalize())
        .limit(group.startsWith(root) ? group.getNameCount() - root.getNameCount() + 1L : 0)
        .flatMap(at -> ofGroup(at, layout).stream());
  }

  private static Optional<ContainerMemory> ofGroup(Path group, Layout layout) {
    Optional<Long> limit = number(lines(group.resolve(layout.limit)).findFirst());
    Optional<Long> used = number(lines(group.resolve(layout.used)).findFirst());
    if (limit.isEmpty() || limit.get() >= NO_LIMIT || used.isEmpty()) {
      return Optional.empty();
    }
    Optional<Long> droppable =
        number(
            lines(group.resolve("memory.stat"))
                .filter(line -> line.startsWith(layout.droppable + " "))
                .map(line -> line.substring(layout.droppable.length() + 1))
                .findFirst());
    return Optional.of(
        new ContainerMemory(limit.get(), Math.max(0, used.get() - droppable.orElse(0L))));
  }

  private static Optional<Long> number(Optional<String> text) {
    return text.map(String::strip).filter(digits -> digits.matches("\\d{1,18}")).map(Long::valueOf);
  }

  private static Stream<String> lines(Path file) {
    try {
      return Files.isReadable(file) ? Files.readAllLines(file).stream() : Stream.empty();
    } catch (IOException e) {
      // The group went away between the two calls, or the kernel does not let it be read.
      return Stream.empty();
    }
  }
}
