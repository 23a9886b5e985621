package dev.lorikeet.source;

import java.io.FilterReader;
import java.io.IOException;
import java.io.Reader;

/**
 * Makes line feeds of Windows line ends; a carriage return alone stays. Read it into room for two
 * characters or more: a return needs to see what follows.
 */
final class LineEnds extends FilterReader {
  private boolean heldReturn;

  LineEnds(Reader in) {
    super(in);
  }

  @Override
  public int read() throws IOException {
    throw new IOException("needs room for two characters");
  }

  @Override
  public int read(char[] target, int at, int length) throws IOException {
    if (length < 2) {
      throw new IOException("needs room for two characters, found " + length);
    }
    int end = at;
    while (end == at) {
      int start = at + (heldReturn ? 1 : 0);
      int read = in.read(target, start, at + length - start);
      if (read < 0) {
        if (heldReturn) {
          heldReturn = false;
          target[at] = '\r';
          return 1;
        }
        return -1;
      }
      if (heldReturn) {
        target[at] = '\r';
        read++;
      }
      heldReturn = false;
      end = at + joined(target, at, read);
    }
    return end - at;
  }

  /** Joins the pairs among {@code count} characters; a return at the end waits for the next. */
  private int joined(char[] text, int at, int count) {
    int to = at;
    for (int i = at; i < at + count; i++) {
      boolean isReturn = text[i] == '\r';
      if (isReturn && i + 1 == at + count) {
        heldReturn = true;
      } else if (!isReturn || text[i + 1] != '\n') {
        text[to++] = text[i];
      }
    }
    return to - at;
  }
}
