package dev.lorikeet.hub;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * What came of a blob so far: a file beside its place, and the sum of its bytes. Bytes are only
 * added at the end, so an interrupted download leaves a true beginning behind.
 */
final class PartialBlob implements AutoCloseable {
  private static final String SUFFIX = ".lorikeet.incomplete";

  private final Path file;
  private final HubFile target;
  private final FileChannel channel;
  private ContentHash hash;
  private long length;

  private PartialBlob(Path file, HubFile target, FileChannel channel) {
    this.file = file;
    this.target = target;
    this.channel = channel;
    hash = target.hash();
  }

  /** Where the beginning of {@code blob} lies. */
  static Path file(Path blob) {
    return blob.resolveSibling(blob.getFileName() + SUFFIX);
  }

  /** Takes up what an earlier download left; the caller holds the blob's lock. */
  static PartialBlob open(Path blob, HubFile target) throws IOException {
    Path file = file(blob);
    Files.createDirectories(file.resolveSibling(""));
    FileChannel channel =
        FileChannel.open(
            file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    PartialBlob partial = new PartialBlob(file, target, channel);
    try {
      if (channel.size() > target.size()) {
        channel.truncate(0);
      }
      partial.hash.addAll(channel);
      partial.length = channel.size();
      return partial;
    } catch (IOException | RuntimeException failure) {
      channel.close();
      throw failure;
    }
  }

  /** Bytes that are there. */
  long length() {
    return length;
  }

  /** Whether as many bytes are there as there should be, which says nothing of their values. */
  boolean full() {
    return length == target.size();
  }

  /** Adds bytes at the end. */
  void append(ByteBuffer bytes) throws IOException {
    int count = bytes.remaining();
    hash.add(bytes.duplicate());
    while (bytes.hasRemaining()) {
      channel.write(bytes, length + count - bytes.remaining());
    }
    length += count;
  }

  /** Drops all bytes. */
  void clear() throws IOException {
    channel.truncate(0);
    hash = target.hash();
    length = 0;
  }

  /** The sum of the bytes; of a full file, whose bytes are dropped unless they become the blob. */
  String sum() {
    return hash.hex();
  }

  /** Makes the file the blob, on the disk before it has the name. */
  void becomes(Path blob) throws IOException {
    channel.force(true);
    channel.close();
    Files.move(file, blob, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
