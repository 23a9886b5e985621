package dev.lorikeet.error;

import java.nio.file.Path;

/** A file that is damaged, incomplete, or contradicts another one; names the file and the place. */
public final class FormatException extends LorikeetException {

  /** {@code place} is a tensor, a key or a byte offset inside {@code file}. */
  public FormatException(Path file, String place, String problem) {
    super(file + ", " + place + ": " + problem, null);
  }

  public FormatException(Path file, String problem) {
    super(file + ": " + problem, null);
  }

  public FormatException(Path file, String problem, Throwable cause) {
    super(file + ": " + problem, cause);
  }

  @Override
  public int exitCode() {
    return 2;
  }
}
