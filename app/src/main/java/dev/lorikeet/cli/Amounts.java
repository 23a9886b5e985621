package dev.lorikeet.cli;

import java.time.Duration;
import java.util.Locale;

/** How times, bytes, counts and shares are written for people. */
final class Amounts {
  private static final long MIB = 1L << 20;
  private static final long GIB = 1L << 30;

  private Amounts() {}

  /** For example {@code 1 h 02 min}, {@code 3 min 20 s}, {@code 4.2 s}. */
  static String duration(Duration duration) {
    long seconds = duration.toSeconds();
    if (seconds < 60) {
      return String.format(Locale.ROOT, "%.1f s", duration.toMillis() / 1000.0);
    }
    return seconds < 3600
        ? String.format(Locale.ROOT, "%d min %02d s", seconds / 60, seconds % 60)
        : String.format(Locale.ROOT, "%d h %02d min", seconds / 3600, seconds / 60 % 60);
  }

  /** For example {@code 512 bytes}, {@code 3.4 MiB}, {@code 1.2 GiB}. */
  static String bytes(long bytes) {
    if (bytes < 10 * 1024) {
      return count(bytes) + " bytes";
    }
    if (bytes < MIB) {
      return String.format(Locale.ROOT, "%.1f KiB", bytes / 1024.0);
    }
    return bytes < GIB
        ? String.format(Locale.ROOT, "%.1f MiB", (double) bytes / MIB)
        : String.format(Locale.ROOT, "%.1f GiB", (double) bytes / GIB);
  }

  /** For example {@code 1 file}, {@code 12 files}. */
  static String files(int count) {
    return count == 1 ? "1 file" : count(count) + " files";
  }

  /** With commas: {@code 6,738,415,616}. */
  static String count(long count) {
    return String.format(Locale.ROOT, "%,d", count);
  }

  /** Three significant digits: {@code 100 %}, {@code 8.57 %}, {@code 0.0622 %}. */
  static String percent(double share) {
    double percent = 100 * share;
    int decimals = percent == 0 || percent >= 99.95 ? 0 : percent >= 10 ? 1 : percent >= 1 ? 2 : 4;
    return String.format(Locale.ROOT, "%." + decimals + "f %%", percent);
  }

  /** For example {@code 5,123 tokens/s}; one decimal below 100. */
  static String tokensPerSecond(double rate) {
    return String.format(Locale.ROOT, rate < 100 ? "%.1f tokens/s" : "%,.0f tokens/s", rate);
  }
}
