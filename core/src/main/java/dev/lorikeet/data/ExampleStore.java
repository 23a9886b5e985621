package dev.lorikeet.data;

import dev.lorikeet.error.DataException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.IntPredicate;
import java.util.function.LongPredicate;

/**
 * The encoded examples of one data file, in temporary files: memory holds one example at a time
 * however many there are.
 *
 * <p>One file holds the examples one behind the other as {@link ExampleBytes}; each part that is
 * taken of them has a file of entries, see {@link StoredExamples}. The store owns all of them; they
 * are deleted when it is closed or the process ends, however it does.
 */
final class ExampleStore implements AutoCloseable {
  private static final double MEGABYTE = 1e6;

  private final Path folder;
  private final String source;
  private final List<ScratchFile> files = new ArrayList<>();
  private final ScratchFile examples;
  private final ScratchFile.Appender appender;
  private EncodeReport report = EncodeReport.NONE;
  private long nextId;
  private long bytes;
  private long entryBytes;

  private ExampleStore(Path folder, String source) {
    this.folder = folder;
    this.source = source;
    examples = newFile();
    appender = examples.appender();
  }

  /** A new empty store in {@code folder}; {@code source} is what messages call its examples. */
  static ExampleStore in(Path folder, String source) {
    return new ExampleStore(folder, source);
  }

  /**
   * Encodes what is left in {@code reader} into a new store.
   *
   * @param folder on whose disk the files are made
   * @throws DataException for a record that cannot be used, or if the disk does not take what is
   *     written
   */
  static ExampleStore encode(Path folder, SampleReader reader, Encoder encoder) {
    ExampleStore store = in(folder, "data file " + reader.file());
    try {
      store.add(reader, encoder, id -> true);
      return store;
    } catch (RuntimeException failure) {
      try {
        store.close();
      } catch (DataException another) {
        failure.addSuppressed(another);
      }
      throw failure;
    }
  }

  /**
   * Encodes what is left in {@code reader} behind what is there. Ids go on behind the highest one.
   *
   * @param taken which of the reader's ids are wanted
   * @return what became of these records
   * @throws DataException for a record that cannot be used, or if the disk does not take what is
   *     written
   */
  EncodeReport add(SampleReader reader, Encoder encoder, LongPredicate taken) {
    long base = nextId;
    EncodeReport added = EncodeReport.NONE;
    try {
      added =
          encoder.encode(
              reader, taken, example -> append(example.withId(base + example.id()), appender));
      appender.flush();
    } catch (UncheckedIOException failure) {
      throw unwritten(bytes, reader.shareRead(), Objects.requireNonNull(failure.getCause()));
    } catch (IOException failure) {
      throw unwritten(bytes, 1, failure);
    }
    report = report.plus(added);
    if (report.examples() > Integer.MAX_VALUE) {
      throw new DataException(
          "%s gives %d examples; at most %d can be trained on: cut it into several files"
              .formatted(source, report.examples(), Integer.MAX_VALUE));
    }
    return added;
  }

  private void append(Example example, ScratchFile.Appender appender) {
    nextId = Math.max(nextId, example.id() + 1);
    bytes += ExampleBytes.count(example.length());
    entryBytes += StoredExamples.ENTRY;
    try {
      appender.append(ExampleBytes.of(example));
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  /** The id behind the highest one. */
  long nextId() {
    return nextId;
  }

  /** What became of the records. */
  EncodeReport report() {
    return report;
  }

  /** Examples in the store. */
  int size() {
    return (int) report.examples();
  }

  /**
   * Two parts of the examples.
   *
   * @param chosen those of {@code chosen}
   * @param others all others
   */
  record Split(StoredExamples chosen, StoredExamples others) {}

  /** How often an example is among the others. */
  @FunctionalInterface
  interface Copies {
    /**
     * Copies, at least 1.
     *
     * @param position of the example in the store, from 0
     * @param id of the example
     */
    int of(int position, long id);
  }

  /** Parts the examples by their position; both parts keep the store's order. */
  Split split(IntPredicate choice) {
    return split(choice, (_, _) -> 1);
  }

  /** The same with the others as often as {@code copies} tells, one behind the other. */
  Split split(IntPredicate choice, Copies copies) {
    Part chosen = new Part();
    Part others = new Part();
    try {
      ScratchFile.Scanner scanner = examples.scanner();
      long offset = 0;
      for (int i = 0; i < size(); i++) {
        int length = ExampleBytes.length(scanner.peek(ExampleBytes.HEADER));
        requireLength(length, i);
        ByteBuffer example = scanner.next(ExampleBytes.count(length));
        if (choice.test(i)) {
          chosen.add(offset, example);
        } else {
          for (int copy = copies.of(i, ExampleBytes.id(example)); copy > 0; copy--) {
            others.add(offset, example);
          }
        }
        offset += example.limit();
      }
      return new Split(chosen.done(), others.done());
    } catch (IOException failure) {
      throw unwritten(bytes + chosen.bytes() + others.bytes(), 1, failure);
    }
  }

  private void requireLength(int length, int position) {
    if (length < 1 || length > report.longest()) {
      throw StoredExamples.damaged(
          source,
          new IOException("example %d came back with %d tokens".formatted(position, length)));
    }
  }

  private ScratchFile newFile() {
    try {
      ScratchFile file = ScratchFile.in(folder);
      files.add(file);
      return file;
    } catch (IOException failure) {
      throw new DataException(
          "the examples of %s are encoded into a temporary file in %s, which cannot be made: %s; make the folder writable, or name another one in output.dir"
              .formatted(source, folder.toAbsolutePath(), failure),
          failure);
    }
  }

  /**
   * A failure to write.
   *
   * @param written bytes until then
   * @param share of the data file that they come from, 0 to 1
   */
  private DataException unwritten(long written, double share, IOException failure) {
    double known = bytes + entryBytes;
    String needed =
        share > 0 && share < 1
            ? "about %.0f MB".formatted(known / share / MEGABYTE)
            : "at least %.0f MB".formatted(known / MEGABYTE);
    return new DataException(
        "encoding %s into a temporary file in %s failed after %.0f MB: %s; it needs %s there, and %s free; make room, or name a folder on another disk in output.dir"
            .formatted(
                source,
                folder.toAbsolutePath(),
                written / MEGABYTE,
                failure.getMessage(),
                needed,
                free()),
        failure);
  }

  private String free() {
    try {
      return "%.0f MB are".formatted(Files.getFileStore(folder).getUsableSpace() / MEGABYTE);
    } catch (IOException unknown) {
      return "nobody knows how much is";
    }
  }

  /** Deletes the files; what was read from them stays. */
  @Override
  public void close() {
    List<IOException> failures = new ArrayList<>();
    for (ScratchFile file : files) {
      try {
        file.close();
      } catch (IOException failure) {
        failures.add(failure);
      }
    }
    if (!failures.isEmpty()) {
      throw new DataException(
          "the temporary files of %s in %s cannot be closed: %s"
              .formatted(source, folder.toAbsolutePath(), failures.getFirst()),
          failures.getFirst());
    }
  }

  /** A part while it is collected. */
  private final class Part {
    private final ScratchFile index = newFile();
    private final ScratchFile.Appender entries = index.appender();
    private final Fingerprint fingerprint = new Fingerprint();
    private int size;
    private int longest;
    private int highestToken = -1;

    void add(long offset, ByteBuffer example) throws IOException {
      int[] tokens = ExampleBytes.tokens(example);
      for (int token : tokens) {
        highestToken = Math.max(highestToken, token);
      }
      entries.append(offset, tokens.length, StoredExamples.check(example));
      fingerprint.add(example);
      longest = Math.max(longest, tokens.length);
      size = Math.addExact(size, 1);
    }

    /** Bytes of the entries. */
    long bytes() {
      return entries.count();
    }

    StoredExamples done() throws IOException {
      entries.flush();
      return new StoredExamples(
          examples,
          index,
          new StoredExamples.Summary(source, size, longest, highestToken, fingerprint.hex()));
    }
  }
}
