package dev.lorikeet.data;

import dev.lorikeet.error.DataException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.PrimitiveIterator;
import java.util.zip.CRC32C;

/**
 * Examples that lie in an {@link ExampleStore}, of all of them some, in the store's order. Nothing
 * of them is in memory: an example is found through an entry of {@value #ENTRY} bytes in a file of
 * its own and read by position.
 *
 * <p>An entry is where the example's bytes begin (8 bytes), its number of tokens (4) and the
 * CRC-32C of its bytes (4), big-endian. Belongs to its store and ends with it.
 */
final class StoredExamples extends Examples {
  /** Bytes of an entry. */
  static final int ENTRY = 16;

  private static final int OFFSET = 0;
  private static final int LENGTH = 8;
  private static final int CHECK = 12;

  private final ScratchFile examples;
  private final ScratchFile index;
  private final Summary summary;

  /**
   * What is known without reading.
   *
   * @param source words for messages
   * @param size number of examples
   * @param longest tokens of the longest, 0 without examples
   * @param highestToken highest token id, −1 without examples
   * @param sha256 see {@link Fingerprint}
   */
  record Summary(String source, int size, int longest, int highestToken, String sha256) {}

  StoredExamples(ScratchFile examples, ScratchFile index, Summary summary) {
    this.examples = examples;
    this.index = index;
    this.summary = summary;
  }

  /** Check of an example's bytes. */
  static int check(ByteBuffer bytes) {
    CRC32C check = new CRC32C();
    check.update(bytes.duplicate());
    return (int) check.getValue();
  }

  /**
   * Reads an example.
   *
   * @throws DataException if the files do not hold any more what was written
   * @throws IllegalStateException if the store is closed
   */
  @Override
  public Example get(int position) {
    Objects.checkIndex(position, summary.size());
    try {
      ByteBuffer entry = ByteBuffer.allocate(ENTRY);
      index.read(entry, (long) ENTRY * position);
      int length = requireLength(entry.getInt(LENGTH));
      ByteBuffer bytes = ByteBuffer.allocate(ExampleBytes.count(length));
      examples.read(bytes, requireOffset(entry.getLong(OFFSET)));
      bytes.rewind();
      if (check(bytes) != entry.getInt(CHECK)) {
        throw new IOException("its check sum is wrong");
      }
      return ExampleBytes.read(bytes);
    } catch (IOException failure) {
      throw damaged(failure);
    }
  }

  @Override
  public int size() {
    return summary.size();
  }

  @Override
  public int longestLength() {
    return summary.longest();
  }

  @Override
  int highestToken() {
    return summary.highestToken();
  }

  /** See {@link Fingerprint}. */
  String sha256() {
    return summary.sha256();
  }

  @Override
  PrimitiveIterator.OfInt lengths() {
    ScratchFile.Scanner entries = index.scanner();
    return new PrimitiveIterator.OfInt() {
      private int position;

      @Override
      public boolean hasNext() {
        return position < size();
      }

      @Override
      public int nextInt() {
        if (!hasNext()) {
          throw new NoSuchElementException("there are " + size() + " examples");
        }
        try {
          position++;
          return requireLength(entries.next(ENTRY).getInt(LENGTH));
        } catch (IOException failure) {
          throw damaged(failure);
        }
      }
    };
  }

  private static long requireOffset(long offset) throws IOException {
    if (offset < 0) {
      throw new IOException("it begins at byte " + offset);
    }
    return offset;
  }

  private int requireLength(int length) throws IOException {
    if (length < 1 || length > summary.longest()) {
      throw new IOException(
          "it has %d tokens, expected 1 to %d".formatted(length, summary.longest()));
    }
    return length;
  }

  private RuntimeException damaged(IOException failure) {
    if (failure instanceof ClosedChannelException
        && !(failure instanceof ClosedByInterruptException)) {
      return new IllegalStateException(
          "the examples of " + summary.source() + " were read after they were closed", failure);
    }
    return damaged(summary.source(), failure);
  }

  /**
   * An example that is not what was written.
   *
   * @param source words for messages
   */
  static DataException damaged(String source, IOException failure) {
    return failure instanceof ClosedByInterruptException
        ? new DataException("reading an example of " + source + " was interrupted", failure)
        : new DataException(
            "an example of %s cannot be read back from the temporary file that it was encoded into: %s; the disk failed, or another program changed the file: start again"
                .formatted(source, failure.getMessage()),
            failure);
  }
}
