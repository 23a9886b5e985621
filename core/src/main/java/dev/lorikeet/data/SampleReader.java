package dev.lorikeet.data;

import dev.lorikeet.config.DataSettings.BadRecordPolicy;
import dev.lorikeet.config.DataSettings.Format;
import dev.lorikeet.data.DataProvenance.Source;
import dev.lorikeet.error.DataException;
import dev.lorikeet.source.DataFile;
import dev.lorikeet.source.DataFile.BrokenRecords;
import dev.lorikeet.source.DuckDbRecords;
import dev.lorikeet.source.FileHash;
import dev.lorikeet.source.FileKind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Reads a source of data sample by sample and hashes its bytes on the way. One sample at a time is
 * in memory, so the source may be larger.
 */
public final class SampleReader implements AutoCloseable {
  private final Request request;
  private final SampleInput input;

  /**
   * What is read and how.
   *
   * @param path a file, or a folder of text files
   * @param format how records are written
   * @param columns what the records call the keys of the format
   * @param query SQL that makes the records out of the file
   * @param onBadRecord what becomes of records that cannot be used
   */
  public record Request(
      Path path,
      Format format,
      Map<String, String> columns,
      Optional<String> query,
      BadRecordPolicy onBadRecord) {

    /** A file whose records are called as the format calls them, all of them good. */
    public static Request of(Path path, Format format) {
      return new Request(path, format, Map.of(), Optional.empty(), BadRecordPolicy.STOP);
    }

    BrokenRecords broken() {
      return onBadRecord == BadRecordPolicy.SKIP ? BrokenRecords.LEAVE_BEHIND : BrokenRecords.END;
    }
  }

  private SampleReader(Request request, SampleInput input) {
    this.request = request;
    this.input = input;
  }

  /**
   * Opens a source; the reader owns it until closed.
   *
   * @throws DataException if it cannot be opened, or its format not be told
   */
  public static SampleReader open(Request request) {
    Path path = request.path();
    if (Files.isDirectory(path)) {
      return new SampleReader(request, new TextInput.Folder(requireTextFolder(request)));
    }
    DataFile file = DataFile.open(path);
    try {
      if (request.query().isPresent()) {
        DuckDbRecords rows = DuckDbRecords.query(path, request.query().get());
        return new SampleReader(request, RecordInput.of(request, file, rows));
      }
      if (file.kind() == FileKind.PARQUET) {
        return new SampleReader(
            request, RecordInput.of(request, file, DuckDbRecords.parquet(path)));
      }
      if (isText(request, file)) {
        return new SampleReader(request, new TextInput.File(file));
      }
      return new SampleReader(
          request, RecordInput.of(request, file, file.records(request.broken())));
    } catch (RuntimeException failure) {
      file.close();
      throw failure;
    }
  }

  /** Opens a file whose records are called as the format calls them. */
  public static SampleReader open(Path file, Format format) {
    return open(Request.of(file, format));
  }

  /** Every sample of {@code file}, in memory; for test splits and other small files. */
  public static List<Sample> readAll(Path file, Format format) {
    try (SampleReader reader = open(file, format)) {
      List<Sample> samples = new ArrayList<>();
      for (var next = reader.next(); next.isPresent(); next = reader.next()) {
        samples.add(next.get());
      }
      return samples;
    }
  }

  private static boolean isText(Request request, DataFile file) {
    boolean may = request.format() == Format.TEXT || request.format() == Format.AUTO;
    return may && file.kind() == FileKind.TEXT;
  }

  private static Path requireTextFolder(Request request) {
    boolean may = request.format() == Format.TEXT || request.format() == Format.AUTO;
    if (!may || request.query().isPresent()) {
      throw new DataException(
          "data file "
              + request.path()
              + " is a folder; name a file in it, because only folders of texts are read as a whole");
    }
    return request.path();
  }

  /**
   * The next sample; empty at the end.
   *
   * @throws DataException naming file, line and key of a record that cannot be used
   */
  public Optional<Sample> next() {
    return input.next();
  }

  /**
   * Takes a sample back that turned out to be of no use.
   *
   * @throws DataException {@code problem} itself, unless such records are to be left out
   */
  void reject(DataException problem) {
    if (request.onBadRecord() == BadRecordPolicy.STOP) {
      throw problem;
    }
    input.findings().leftOut(problem);
  }

  /** How the records are written; never auto once a record was read. */
  Format format() {
    return input.format();
  }

  /** What was seen so far. */
  ReadFindings findings() {
    return input.findings();
  }

  /** The file that is read. */
  Path file() {
    return request.path();
  }

  /** Share of the file that is read, 0 to 1. */
  double shareRead() {
    return input.shareRead();
  }

  /** Name, size and hash of the file; reads what is left of it. */
  public Source source() {
    FileHash hash = input.hash();
    return new Source(hash.path(), hash.bytes(), hash.sha256());
  }

  @Override
  public void close() {
    input.close();
  }
}
