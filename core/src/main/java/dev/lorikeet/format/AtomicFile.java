package dev.lorikeet.format;

import dev.lorikeet.error.LorikeetException;
import dev.lorikeet.error.RunException;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Locale;

/**
 * Replaces a file as a whole or not at all.
 *
 * <p>The content goes to a hidden temporary file in the same folder ({@code .NAME.PID-THREAD.tmp}),
 * is forced to the disk, and is then renamed over the target; where the platform allows it the
 * folder is forced too, so that the new name survives a power cut. When anything fails the target
 * stays as it was and the temporary file is removed. A target that is a symbolic link is replaced
 * by a plain file.
 */
public final class AtomicFile {
  private static final int BUFFER_BYTES = 1 << 16;
  private static final int NAME_ATTEMPTS = 100;

  private AtomicFile() {}

  /**
   * Writes {@code target} from a buffered stream.
   *
   * @throws RunException if the file cannot be written; the old file is still whole
   */
  public static void write(Path target, IoConsumer<OutputStream> body) {
    writeChannel(
        target,
        channel -> {
          // Not closed here: closing the stream would close the channel before it is forced.
          OutputStream stream =
              new BufferedOutputStream(Channels.newOutputStream(channel), BUFFER_BYTES);
          body.accept(stream);
          stream.flush();
        });
  }

  /**
   * Writes {@code text} as UTF-8.
   *
   * @throws RunException if the file cannot be written; the old file is still whole
   */
  public static void writeString(Path target, String text) {
    write(target, stream -> stream.write(text.getBytes(StandardCharsets.UTF_8)));
  }

  /**
   * Writes {@code target} through a channel, which suits contents beyond 2 GB.
   *
   * @throws RunException if the file cannot be written; the old file is still whole
   */
  public static void writeChannel(Path target, IoConsumer<FileChannel> body) {
    Path absolute = target.toAbsolutePath();
    Path folder = absolute.getParent();
    Path name = absolute.getFileName();
    if (folder == null || name == null || Files.isDirectory(absolute)) {
      throw new RunException(
          "Could not write " + absolute + ": it is a folder. Choose a file name instead.");
    }
    try {
      Path temporary = createTemporary(folder, name.toString());
      fill(temporary, absolute, folder, body);
    } catch (IOException failure) {
      throw new RunException(message(absolute, folder, failure, 0), failure);
    }
    forceFolder(folder);
  }

  private static void fill(Path temporary, Path target, Path folder, IoConsumer<FileChannel> body) {
    long writtenBytes = 0;
    try {
      try (FileChannel channel = FileChannel.open(temporary, StandardOpenOption.WRITE)) {
        try {
          body.accept(channel);
          channel.force(true);
        } finally {
          writtenBytes = channel.isOpen() ? channel.size() : 0;
        }
      }
      Files.move(
          temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException failure) {
      remove(temporary, failure);
      throw new RunException(message(target, folder, failure, writtenBytes), failure);
    } catch (RuntimeException failure) {
      remove(temporary, failure);
      // Libraries such as Jackson wrap the stream's own failure.
      if (!(failure instanceof LorikeetException) && failure.getCause() instanceof IOException io) {
        throw new RunException(message(target, folder, io, writtenBytes), failure);
      }
      throw failure;
    } catch (Error failure) {
      remove(temporary, failure);
      throw failure;
    }
  }

  private static void remove(Path temporary, Throwable failure) {
    try {
      Files.deleteIfExists(temporary);
    } catch (IOException remains) {
      failure.addSuppressed(remains);
    }
  }

  /** A new empty file with the user's default permissions, unlike those of createTempFile. */
  private static Path createTemporary(Path folder, String name) throws IOException {
    String stem = "." + name + "." + ProcessHandle.current().pid() + "-";
    long thread = Thread.currentThread().threadId();
    for (int attempt = 0; ; attempt++) {
      String suffix = attempt == 0 ? ".tmp" : "-" + attempt + ".tmp";
      try {
        return Files.createFile(folder.resolve(stem + thread + suffix));
      } catch (FileAlreadyExistsException taken) {
        // A killed process with our number may have left one behind.
        if (attempt == NAME_ATTEMPTS) {
          throw taken;
        }
      }
    }
  }

  private static void forceFolder(Path folder) {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    } catch (IOException unsupported) {
      // Windows and some network file systems cannot open or force a folder. The file itself is
      // already safe; only the moment at which its new name becomes durable is left to the system.
      return;
    }
  }

  private static String message(Path target, Path folder, IOException failure, long writtenBytes) {
    String kept = Files.exists(target) ? " The old file is unchanged." : " No file was left there.";
    String after = writtenBytes == 0 ? "" : " after " + megabytes(writtenBytes);
    return "Could not write %s in %s: %s%s.%s%s %s"
        .formatted(
            target.getFileName(),
            folder,
            reason(failure),
            after,
            freeSpace(folder),
            kept,
            advice(folder));
  }

  private static String reason(IOException failure) {
    return switch (failure) {
      case NoSuchFileException _ -> "the folder does not exist";
      case AccessDeniedException _ -> "permission denied";
      case ClosedByInterruptException _ -> "the writing thread was interrupted";
      case FileSystemException system when system.getReason() != null ->
          String.valueOf(system.getReason());
      default -> failure.getMessage() == null ? failure.toString() : failure.getMessage();
    };
  }

  private static String freeSpace(Path folder) {
    try {
      long free = Files.getFileStore(folder).getUsableSpace();
      return " " + megabytes(free) + " are free there.";
    } catch (IOException unknown) {
      return "";
    }
  }

  private static String megabytes(long bytes) {
    return String.format(Locale.ROOT, "%.1f MB", bytes / 1e6);
  }

  private static String advice(Path folder) {
    if (!Files.isDirectory(folder)) {
      return "Create the folder or choose another one, then run again.";
    }
    return Files.isWritable(folder)
        ? "Free space there or choose another folder, then run again."
        : "Make the folder writable or choose another one, then run again.";
  }
}
