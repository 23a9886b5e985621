package dev.lorikeet.source;

import java.io.IOException;

/** Bytes that are no UTF-8 text. */
final class NotUtf8Exception extends IOException {
  private final long line;
  private final long offset;

  /**
   * Where it was found.
   *
   * @param line from 1
   * @param offset byte from the beginning of the text, from 0
   */
  NotUtf8Exception(long line, long offset) {
    super("not UTF-8");
    this.line = line;
    this.offset = offset;
  }

  /** What the user is told behind the file's name. */
  String words() {
    return "line %d (byte %d): not UTF-8 text; save it as UTF-8".formatted(line, offset);
  }
}
