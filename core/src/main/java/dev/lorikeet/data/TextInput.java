package dev.lorikeet.data;

import dev.lorikeet.config.DataSettings.Format;
import dev.lorikeet.error.DataException;
import dev.lorikeet.source.DataFile;
import dev.lorikeet.source.FileHash;
import dev.lorikeet.source.HashingStream;
import dev.lorikeet.source.TextFolder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/** Samples that are text files. */
final class TextInput {
  private TextInput() {}

  /** One file, one book. */
  static final class File implements SampleInput {
    private final DataFile file;
    private final ReadFindings findings = new ReadFindings();
    private boolean given;

    /** Owns {@code file}. */
    File(DataFile file) {
      this.file = file;
      findings.found(
          "data file %s (%s): format text, one sequence cut into windows"
              .formatted(file.path(), file.words()));
    }

    @Override
    public Optional<Sample> next() {
      if (given) {
        return Optional.empty();
      }
      given = true;
      return Optional.of(new Sample.Book(file));
    }

    @Override
    public Format format() {
      return Format.TEXT;
    }

    @Override
    public ReadFindings findings() {
      return findings;
    }

    @Override
    public double shareRead() {
      return file.shareRead();
    }

    @Override
    public FileHash hash() {
      return file.hash();
    }

    @Override
    public void close() {
      file.close();
    }
  }

  /** A folder, each of its text files a book. */
  static final class Folder implements SampleInput {
    private final Path folder;
    private final List<Path> files;
    private final ReadFindings findings = new ReadFindings();
    private final MessageDigest digest = HashingStream.sha256Digest();
    private Optional<DataFile> open = Optional.empty();
    private int next;
    private long bytes;

    /** Reads the names. */
    Folder(Path folder) {
      this.folder = folder;
      this.files = TextFolder.files(folder);
      findings.found(
          "folder %s: format text, because it holds %d text files; each is cut into windows"
              .formatted(folder, files.size()));
    }

    @Override
    public Optional<Sample> next() {
      finish();
      if (next == files.size()) {
        return Optional.empty();
      }
      open = Optional.of(DataFile.open(files.get(next++)));
      return open.map(Sample.Book::new);
    }

    /** Takes the hash of the open file and closes it. */
    private void finish() {
      if (open.isEmpty()) {
        return;
      }
      DataFile file = open.get();
      FileHash hash = file.hash();
      bytes += hash.bytes();
      String line = hash.sha256() + "  " + TextFolder.name(folder, file.path()) + "\n";
      digest.update(line.getBytes(StandardCharsets.UTF_8));
      open = Optional.empty();
      file.close();
    }

    @Override
    public Format format() {
      return Format.TEXT;
    }

    @Override
    public ReadFindings findings() {
      return findings;
    }

    @Override
    public double shareRead() {
      return files.isEmpty() ? 1 : (double) next / files.size();
    }

    /** Hash of the files' hashes and names, a line each, as {@code sha256sum} writes them. */
    @Override
    public FileHash hash() {
      while (next().isPresent()) {
        // Each file that is opened is hashed when the next one is.
      }
      return new FileHash(folder.toString(), bytes, HexFormat.of().formatHex(digest.digest()));
    }

    @Override
    public void close() throws DataException {
      open.ifPresent(DataFile::close);
      open = Optional.empty();
    }
  }
}
