package dev.lorikeet.data;

import dev.lorikeet.config.DataSettings.Format;
import dev.lorikeet.data.DataProvenance.Source;
import dev.lorikeet.data.JsonRecords.JsonRecord;
import dev.lorikeet.error.DataException;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Reads a data file sample by sample and hashes its bytes on the way.
 *
 * <p>Records (JSON array or JSON lines) are read one at a time, so the file may be larger than the
 * memory. A plain text file is read whole: Windows line ends become line feeds, a byte order mark
 * is dropped.
 */
public final class SampleReader implements AutoCloseable {
  private final Path file;
  private final Format format;
  private final HashingStream bytes;
  private final Optional<JsonRecords> records;
  private final long size;
  private boolean textRead;

  private SampleReader(Path file, Format format, long size, HashingStream bytes) {
    this.file = file;
    this.size = size;
    this.format = format;
    this.bytes = bytes;
    this.records =
        format == Format.TEXT && !isJson(file)
            ? Optional.empty()
            : Optional.of(new JsonRecords(file, bytes));
  }

  /**
   * Opens {@code file}; the reader owns it until closed.
   *
   * @throws DataException if the file cannot be opened
   */
  public static SampleReader open(Path file, Format format) {
    if (Files.isDirectory(file)) {
      throw new DataException("data file " + file + " is a folder; name a file in it");
    }
    try {
      return new SampleReader(
          file,
          format,
          Files.size(file),
          new HashingStream(new BufferedInputStream(Files.newInputStream(file))));
    } catch (NoSuchFileException e) {
      throw new DataException(
          "data file " + file + " does not exist (looked in " + Path.of("").toAbsolutePath() + ")",
          e);
    } catch (IOException e) {
      throw new DataException("data file " + file + " cannot be opened: " + e, e);
    }
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

  /**
   * The next sample; empty at the end.
   *
   * @throws DataException naming file, line and key of a record that cannot be used
   */
  public Optional<Sample> next() {
    if (records.isPresent()) {
      return records.get().next().map(this::sample);
    }
    if (textRead) {
      return Optional.empty();
    }
    textRead = true;
    String text = plainText();
    return text.isEmpty() ? Optional.empty() : Optional.of(new Sample.Book(text));
  }

  /** The file that is read. */
  Path file() {
    return file;
  }

  /** Share of the file that is read, 0 to 1. */
  double shareRead() {
    return size == 0 ? 1 : Math.min(1, (double) bytes.count() / size);
  }

  /** Name, size and hash of the file; reads what is left of it. */
  public Source source() {
    try {
      bytes.drain();
    } catch (IOException e) {
      throw new DataException("data file " + file + " cannot be read: " + e, e);
    }
    return new Source(file.toString(), bytes.count(), bytes.sha256());
  }

  private Sample sample(JsonRecord record) {
    return switch (format) {
      case ALPACA ->
          new Sample.Completion(
              record.index(),
              AlpacaPrompt.of(record.text("instruction"), record.textOrEmpty("input")),
              record.text("output"));
      case PROMPT_COMPLETION ->
          new Sample.Completion(record.index(), record.text("prompt"), record.text("completion"));
      case TEXT -> new Sample.Document(record.index(), record.text("text"));
    };
  }

  private String plainText() {
    byte[] content;
    try {
      content = bytes.readAllBytes();
    } catch (IOException e) {
      throw new DataException("data file " + file + " cannot be read: " + e, e);
    }
    ByteBuffer rest = ByteBuffer.wrap(content);
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(rest).toString();
      return (text.startsWith("\uFEFF") ? text.substring(1) : text).replace("\r\n", "\n");
    } catch (CharacterCodingException e) {
      throw new DataException(
          "data file %s, line %d (byte %d): not UTF-8 text; save it as UTF-8"
              .formatted(file, lineAt(content, rest.position()), rest.position()),
          e);
    }
  }

  private static int lineAt(byte[] content, int position) {
    int line = 1;
    for (int i = 0; i < position; i++) {
      line += content[i] == '\n' ? 1 : 0;
    }
    return line;
  }

  private static boolean isJson(Path file) {
    String name = file.toString().toLowerCase(Locale.ROOT);
    return name.endsWith(".json") || name.endsWith(".jsonl");
  }

  @Override
  public void close() {
    try {
      records.ifPresent(JsonRecords::close);
      bytes.close();
    } catch (IOException e) {
      throw new DataException("data file " + file + " cannot be closed: " + e, e);
    }
  }
}
