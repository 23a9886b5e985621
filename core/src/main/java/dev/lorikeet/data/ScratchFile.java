package dev.lorikeet.data;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A file that only this process sees and that goes with it: written once from front to back, then
 * read at any place.
 *
 * <p>The file is deleted when the operating system closes it, which it does however the process
 * ends. On Unix its name is gone as soon as it is open; on Windows it stays visible until then.
 *
 * <p>It is read by position and not mapped: pages of a mapping count as memory of the process once
 * they were touched, which after an epoch would be the whole data set. Reading may be done by
 * several threads at once.
 */
final class ScratchFile implements AutoCloseable {
  private static final int BUFFER_BYTES = 1 << 16;

  private final FileChannel channel;

  /** Takes {@code channel}, which is open for reading and writing and becomes this file's own. */
  ScratchFile(FileChannel channel) {
    this.channel = channel;
  }

  /** A new empty file on the disk of {@code folder}, which only its owner may read. */
  static ScratchFile in(Path folder) throws IOException {
    Path path = Files.createTempFile(folder, ".lorikeet-", ".tmp");
    try {
      return new ScratchFile(
          FileChannel.open(
              path,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE,
              StandardOpenOption.DELETE_ON_CLOSE));
    } catch (IOException failure) {
      Files.deleteIfExists(path);
      throw failure;
    }
  }

  /**
   * Fills {@code target} with the bytes from {@code offset} on.
   *
   * @throws EOFException if the file ends before
   */
  void read(ByteBuffer target, long offset) throws IOException {
    long at = offset;
    while (target.hasRemaining()) {
      int read = channel.read(target, at);
      if (read < 0) {
        throw new EOFException("the file ends after " + channel.size() + " bytes");
      }
      at += read;
    }
  }

  /** Writes from the beginning on; nothing else is to write meanwhile. */
  Appender appender() {
    return new Appender();
  }

  /** Reads from the beginning on. */
  Scanner scanner() {
    return new Scanner();
  }

  /** Gives the disk its space back. */
  @Override
  public void close() throws IOException {
    channel.close();
  }

  /** Collects small pieces; what it collected is in the file after {@link #flush}. */
  final class Appender {
    private final ByteBuffer pending = ByteBuffer.allocate(BUFFER_BYTES);
    private long appended;
    private long flushed;

    /** Appends all of {@code bytes}. */
    void append(ByteBuffer bytes) throws IOException {
      appended += bytes.remaining();
      if (bytes.remaining() > pending.remaining()) {
        flush();
      }
      if (bytes.remaining() > pending.remaining()) {
        write(bytes);
      } else {
        pending.put(bytes);
      }
    }

    /** Appends a piece of 16 bytes. */
    void append(long first, int second, int third) throws IOException {
      if (pending.remaining() < Long.BYTES + 2 * Integer.BYTES) {
        flush();
      }
      pending.putLong(first).putInt(second).putInt(third);
      appended += Long.BYTES + 2 * Integer.BYTES;
    }

    /** Bytes appended so far. */
    long count() {
      return appended;
    }

    /** Writes what was collected; to be called at the end. */
    void flush() throws IOException {
      write(pending.flip());
      pending.clear();
    }

    private void write(ByteBuffer bytes) throws IOException {
      while (bytes.hasRemaining()) {
        flushed += channel.write(bytes, flushed);
      }
    }
  }

  /** Hands out one piece behind the other. */
  final class Scanner {
    private ByteBuffer window = ByteBuffer.allocate(BUFFER_BYTES).limit(0);
    private long read;

    /**
     * The next {@code bytes} bytes, without going beyond them.
     *
     * @return valid until the next call
     * @throws EOFException if the file ends before
     */
    ByteBuffer peek(int bytes) throws IOException {
      if (window.remaining() < bytes) {
        refill(bytes);
      }
      return window.slice(window.position(), bytes);
    }

    /** The same, and goes beyond them. */
    ByteBuffer next(int bytes) throws IOException {
      ByteBuffer piece = peek(bytes);
      window.position(window.position() + bytes);
      return piece;
    }

    private void refill(int least) throws IOException {
      window =
          least > window.capacity() ? ByteBuffer.allocate(least).put(window) : window.compact();
      while (window.position() < least) {
        int count = channel.read(window, read);
        if (count < 0) {
          throw new EOFException("the file ends after " + channel.size() + " bytes");
        }
        read += count;
      }
      window.flip();
    }
  }
}
