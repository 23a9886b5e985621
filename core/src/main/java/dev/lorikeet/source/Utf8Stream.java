package dev.lorikeet.source;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/**
 * Lets UTF-8 text through and nothing else; leaves a byte order mark out. What stands before a
 * wrong byte is read first, then reading fails with a {@link NotUtf8Exception}.
 */
final class Utf8Stream extends FilterInputStream {
  private static final int[] MARK = {0xef, 0xbb, 0xbf};

  private final Utf8 state = new Utf8();
  private long offset;
  private long line = 1;

  private long characterStart;
  private boolean begun;
  private boolean failed;

  Utf8Stream(InputStream in) {
    super(in);
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] target, int at, int length) throws IOException {
    if (failed) {
      throw new NotUtf8Exception(line, characterStart);
    }
    if (length == 0) {
      return 0;
    }
    skipMark();
    int read = in.read(target, at, length);
    if (read < 0) {
      if (state.isInside()) {
        failed = true;
        throw new NotUtf8Exception(line, characterStart);
      }
      return read;
    }
    int good = check(target, at, read);
    if (good == 0 && read > 0) {
      throw new NotUtf8Exception(line, characterStart);
    }
    return good;
  }

  /** Needs a stream that can go back. */
  private void skipMark() throws IOException {
    if (begun) {
      return;
    }
    begun = true;
    in.mark(MARK.length);
    for (int expected : MARK) {
      if (in.read() != expected) {
        in.reset();
        return;
      }
    }
    offset = MARK.length;
  }

  /** How many of the bytes are text; fewer than {@code count} only if the next one is not. */
  private int check(byte[] bytes, int at, int count) {
    for (int i = 0; i < count; i++) {
      int value = bytes[at + i];
      boolean inside = state.isInside();
      if (value >= 0 && !inside) {
        line += value == '\n' ? 1 : 0;
        continue;
      }
      characterStart = inside ? characterStart : offset + i;
      if (!state.accepts(value & 0xff)) {
        failed = true;
        offset += i;
        return i;
      }
    }
    offset += count;
    return count;
  }

  @Override
  public long skip(long count) throws IOException {
    long left = count;
    byte[] buffer = new byte[(int) Math.min(8192, Math.max(1, count))];
    while (left > 0) {
      int read = read(buffer, 0, (int) Math.min(buffer.length, left));
      if (read < 0) {
        break;
      }
      left -= read;
    }
    return count - left;
  }

  @Override
  public boolean markSupported() {
    return false;
  }
}
