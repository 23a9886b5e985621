package dev.lorikeet.cli;

import dev.lorikeet.error.DataException;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where a command's text comes from: {@code --text} or {@code --file}, one of which is given. */
final class TextSource {
  @Option(names = "--text", required = true, paramLabel = "TEXT", description = "The text.")
  private @Nullable String text;

  @Option(
      names = "--file",
      required = true,
      paramLabel = "FILE",
      description = "A UTF-8 file with the text; its line ends count.")
  private @Nullable Path file;

  /**
   * The text.
   *
   * @throws DataException if the file cannot be read or is not UTF-8
   */
  String read() {
    return file == null ? String.valueOf(text) : read(file);
  }

  private static String read(Path file) {
    if (Files.isDirectory(file)) {
      throw new DataException("--file " + file + " is a folder; name a text file in it");
    }
    try {
      return Files.readString(file);
    } catch (NoSuchFileException e) {
      throw new DataException(
          "--file %s does not exist (looked in %s)".formatted(file, Path.of("").toAbsolutePath()),
          e);
    } catch (CharacterCodingException e) {
      throw new DataException("--file " + file + " is not UTF-8 text; save it as UTF-8", e);
    } catch (IOException e) {
      throw new DataException("--file " + file + " cannot be read: " + e, e);
    }
  }
}
