package dev.lorikeet.hub;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Optional;

/**
 * The right to download a blob, held by one thread of one process of Lorikeet at a time. The file
 * stays when the right is given back, as removing it would divide those who wait for it.
 *
 * <p>Java locks with {@code fcntl}, Python's tools with {@code flock}; on Linux neither sees the
 * other's. So two of them may fetch the same file twice, but each writes into a file of its own and
 * renames it as a whole.
 */
final class BlobLock implements AutoCloseable {
  private static final Duration INTERVAL = Duration.ofMillis(100);

  private final FileChannel channel;

  private BlobLock(FileChannel channel) {
    this.channel = channel;
  }

  /**
   * Waits until the lock is free.
   *
   * @param waiting told once if it is not
   */
  static BlobLock take(Path file, Pause pause, Runnable waiting)
      throws IOException, InterruptedException {
    boolean told = false;
    while (true) {
      Optional<BlobLock> lock = tryTake(file);
      if (lock.isPresent()) {
        return lock.get();
      }
      if (!told) {
        waiting.run();
        told = true;
      }
      pause.of(INTERVAL);
    }
  }

  /** The lock; empty if another thread or process holds it. */
  static Optional<BlobLock> tryTake(Path file) throws IOException {
    Files.createDirectories(file.resolveSibling(""));
    FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try {
      FileLock lock = channel.tryLock();
      if (lock != null) {
        return Optional.of(new BlobLock(channel));
      }
    } catch (OverlappingFileLockException elsewhereHere) {
      channel.close();
      return Optional.empty();
    } catch (IOException failure) {
      channel.close();
      throw failure;
    }
    channel.close();
    return Optional.empty();
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
