package dev.lorikeet.run;

import dev.lorikeet.error.RunException;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Objects;

/**
 * The two files that grow while a run goes on: its measurements and its log.
 *
 * <p>Every line is handed to the operating system before the call returns, so a killed process
 * loses none. May be used by several threads. The one who opened it closes it.
 */
public final class RunJournal implements AutoCloseable {
  private final Path metricsFile;
  private final Path logFile;
  private final BufferedWriter metrics;
  private final BufferedWriter log;
  private final Clock clock;

  RunJournal(Path metricsFile, Path logFile, Clock clock) {
    this.metricsFile = metricsFile;
    this.logFile = logFile;
    this.clock = clock;
    this.metrics = open(metricsFile);
    this.log = open(logFile);
  }

  /** Appends one line to {@code metrics.jsonl}. */
  public synchronized void append(MetricsRow row) {
    write(metrics, metricsFile, Json.line(row.toJson()));
  }

  /** Appends {@code text} to {@code log.txt}, its first line after the time in UTC. */
  public synchronized void log(String text) {
    Instant now = clock.instant().truncatedTo(ChronoUnit.MILLIS);
    write(log, logFile, now + " " + text.strip().replace("\n", "\n    "));
  }

  /** Forces the measurements to the disk, so that they survive a power cut. */
  public synchronized void force() {
    try (FileChannel channel = FileChannel.open(metricsFile, StandardOpenOption.WRITE)) {
      channel.force(true);
    } catch (IOException e) {
      throw new RunException("Writing " + metricsFile + " failed: " + reason(e), e);
    }
  }

  @Override
  public synchronized void close() {
    try (metrics;
        log) {
      // Each line was flushed when it was written.
    } catch (IOException e) {
      throw new RunException("Closing " + metricsFile + " failed: " + reason(e), e);
    }
  }

  /** What an {@link IOException} means, in words; its message alone is often just a path. */
  static String reason(IOException e) {
    return switch (e) {
      case AccessDeniedException _ -> "permission denied";
      case NoSuchFileException _ -> "the folder is gone";
      case FileAlreadyExistsException exists -> exists.getFile() + " is a file, not a folder";
      case FileSystemException system when system.getReason() != null ->
          Objects.requireNonNull(system.getReason());
      default -> Objects.requireNonNullElse(e.getMessage(), e.getClass().getSimpleName());
    };
  }

  private static BufferedWriter open(Path file) {
    try {
      return Files.newBufferedWriter(
          file, StandardCharsets.UTF_8, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new RunException("Opening " + file + " failed: " + reason(e), e);
    }
  }

  private static void write(BufferedWriter writer, Path file, String line) {
    try {
      writer.write(line);
      writer.write('\n');
      writer.flush();
    } catch (IOException e) {
      throw new RunException(
          "Writing " + file + " failed: " + reason(e) + "; the lines before are whole", e);
    }
  }
}
