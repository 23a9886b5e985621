package dev.lorikeet.source;

/**
 * Which bytes are UTF-8: the sequences of table 3-7 of the Unicode standard, none longer than it
 * has to be, no surrogates, nothing above U+10FFFF. Fed byte by byte.
 */
final class Utf8 {
  private int missing;
  private int lowest;
  private int highest;

  /** Whether a character is begun and not ended. */
  boolean isInside() {
    return missing > 0;
  }

  /** Whether the next byte, 0 to 255, can stand there. */
  boolean accepts(int value) {
    if (missing > 0) {
      boolean fits = value >= lowest && value <= highest;
      missing--;
      lowest = 0x80;
      highest = 0xbf;
      return fits;
    }
    if (value < 0x80) {
      return true;
    }
    lowest = value == 0xe0 ? 0xa0 : value == 0xf0 ? 0x90 : 0x80;
    highest = value == 0xed ? 0x9f : value == 0xf4 ? 0x8f : 0xbf;
    if (value >= 0xc2 && value <= 0xdf) {
      missing = 1;
    } else if (value >= 0xe0 && value <= 0xef) {
      missing = 2;
    } else if (value >= 0xf0 && value <= 0xf4) {
      missing = 3;
    } else {
      return false;
    }
    return true;
  }

  /** Where the first sequence of {@code bytes} that is none begins; −1 if there is none. */
  static long firstWrong(byte[] bytes, int length) {
    Utf8 state = new Utf8();
    int start = 0;
    for (int i = 0; i < length; i++) {
      if (bytes[i] < 0 || state.isInside()) {
        start = state.isInside() ? start : i;
        if (!state.accepts(bytes[i] & 0xff)) {
          return start;
        }
      }
    }
    return state.isInside() ? start : -1;
  }

  /** Whether {@code bytes} begin with a byte order mark. */
  static boolean isMark(byte[] bytes) {
    return (bytes[0] & 0xff) == 0xef && (bytes[1] & 0xff) == 0xbb && (bytes[2] & 0xff) == 0xbf;
  }
}
