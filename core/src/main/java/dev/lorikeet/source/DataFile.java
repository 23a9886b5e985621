package dev.lorikeet.source;

import dev.lorikeet.error.DataException;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * An opened data file: its bytes are hashed and counted on the way, then decompressed.
 *
 * <p>It is read once from front to back, as records or as text, whichever is asked for.
 */
public final class DataFile implements AutoCloseable {
  private static final int BUFFER_BYTES = 1 << 16;

  private final Path path;
  private final long size;
  private final HashingStream raw;
  private final InputStream content;
  private final Compression compression;
  private final FileKind kind;

  private DataFile(Path path, InputStream in) throws IOException {
    this.path = path;
    this.size = Files.size(path);
    this.raw = new HashingStream(in);
    InputStream buffered = new BufferedInputStream(raw, BUFFER_BYTES);
    this.compression = Compression.of(buffered);
    this.content = compression.open(buffered);
    this.kind = FileKind.of(path, content);
  }

  /**
   * Opens {@code path}; the result owns it.
   *
   * @throws DataException if it cannot be opened
   */
  public static DataFile open(Path path) {
    if (Files.isDirectory(path)) {
      throw new DataException("data file " + path + " is a folder; name a file in it");
    }
    InputStream in;
    try {
      in = Files.newInputStream(path);
    } catch (NoSuchFileException e) {
      throw missing(path, e);
    } catch (IOException e) {
      throw new DataException("data file " + path + " cannot be opened: " + e, e);
    }
    try {
      return new DataFile(path, in);
    } catch (IOException e) {
      try {
        in.close();
      } catch (IOException another) {
        e.addSuppressed(another);
      }
      throw unreadable(path, e);
    }
  }

  static DataException missing(Path path, IOException cause) {
    return new DataException(
        "data file " + path + " does not exist (looked in " + Path.of("").toAbsolutePath() + ")",
        cause);
  }

  /** A file whose bytes cannot be had, such as a compressed one that was cut off. */
  static DataException unreadable(Path path, IOException failure) {
    if (failure instanceof NotUtf8Exception wrong) {
      return new DataException("data file " + path + ", " + wrong.words(), failure);
    }
    boolean cut =
        failure instanceof java.io.EOFException
            || failure instanceof java.util.zip.ZipException
            || failure instanceof com.github.luben.zstd.ZstdIOException;
    return new DataException(
        cut
            ? "data file %s is cut off or damaged: %s; copy or download it again"
                .formatted(path, failure.getMessage())
            : "data file " + path + " cannot be read: " + failure,
        failure);
  }

  /** The file. */
  public Path path() {
    return path;
  }

  /** What the file is made of. */
  public FileKind kind() {
    return kind;
  }

  /** The kind and the compression, for a person. */
  public String words() {
    return switch (compression) {
      case NONE -> kind.words();
      case GZIP -> kind.words() + ", gzip";
      case ZSTD -> kind.words() + ", zstd";
    };
  }

  /** Share of the file that is read, 0 to 1. */
  public double shareRead() {
    return size == 0 ? 1 : Math.min(1, (double) raw.count() / size);
  }

  /**
   * Reads the text.
   *
   * @return UTF-8 without a byte order mark, lines ended by line feeds; to be read into room for
   *     two characters or more; fails with an {@link IOException} at a wrong byte, which {@link
   *     #failure} explains
   */
  public Reader text() {
    return new LineEnds(new InputStreamReader(utf8(), StandardCharsets.UTF_8));
  }

  /** What the user is told about a failure to read this file. */
  public DataException failure(IOException failure) {
    return unreadable(path, failure);
  }

  /** How to read records that are broken. */
  public enum BrokenRecords {
    /** As exactly as possible up to them. */
    END,
    /** So that reading can go on behind them, where the format allows it. */
    LEAVE_BEHIND
  }

  /**
   * Reads the records of a JSON or CSV file.
   *
   * @throws DataException if the beginning of the file cannot be used
   */
  public RecordReader records(BrokenRecords broken) {
    return switch (kind) {
      case CSV -> new CsvRecords(path, content, this::utf8);
      case JSON, TEXT ->
          broken == BrokenRecords.LEAVE_BEHIND && !isArray()
              ? new JsonLines(path, content)
              : new JsonRecords(path, utf8());
      case PARQUET -> throw new IllegalStateException("Parquet is read by DuckDbRecords");
    };
  }

  private InputStream utf8() {
    return new Utf8Stream(content);
  }

  private boolean isArray() {
    content.mark(BUFFER_BYTES);
    try {
      byte[] start = content.readNBytes(BUFFER_BYTES - 1);
      content.reset();
      int at = start.length >= 3 && Utf8.isMark(start) ? 3 : 0;
      while (at < start.length && Character.isWhitespace(start[at])) {
        at++;
      }
      return at < start.length && start[at] == '[';
    } catch (IOException e) {
      throw unreadable(path, e);
    }
  }

  /** Name, size and hash of the file; reads what is left of it. */
  public FileHash hash() {
    try {
      raw.drain();
    } catch (IOException e) {
      throw unreadable(path, e);
    }
    return new FileHash(path.toString(), raw.count(), raw.sha256());
  }

  @Override
  public void close() {
    try {
      content.close();
    } catch (IOException e) {
      throw new DataException("data file " + path + " cannot be closed: " + e, e);
    }
  }
}
