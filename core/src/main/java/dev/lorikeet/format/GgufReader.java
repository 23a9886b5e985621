package dev.lorikeet.format;

import dev.lorikeet.error.FormatException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads the values of a GGUF header one after the other. Every length is checked against what is
 * left of the file before anything is allocated for it.
 */
final class GgufReader {
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private static final int STRING = 8;
  private static final int ARRAY = 9;

  /** Bytes of a value by type id; a text has at least its length, an array its type and length. */
  private static final int[] LEAST_BYTES = {1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8};

  /** Arrays of arrays are written by nobody; a few levels leave room. */
  private static final int MAX_DEPTH = 4;

  /** Vocabularies and lists of merges stay below a million. */
  private static final int MAX_ARRAY = 1 << 24;

  private final Path file;
  private final MemorySegment bytes;
  private long at;

  GgufReader(Path file, MemorySegment bytes) {
    this.file = file;
    this.bytes = bytes;
  }

  /** Where the next value begins. */
  long position() {
    return at;
  }

  /** {@code count} pairs of key and value. */
  Map<String, Object> metadata(long count) {
    Map<String, Object> values = new LinkedHashMap<>();
    for (long i = 0; i < count; i++) {
      long start = at;
      String key = string("key " + i + " of " + count);
      Object value = value(int32("type of " + key), key, 0);
      if (values.put(key, value) != null) {
        throw problem(start, "the key \"" + key + "\" stands twice");
      }
    }
    return values;
  }

  int int32(String what) {
    return bytes.get(INT, take(4, what));
  }

  long int64(String what) {
    return bytes.get(LONG, take(8, what));
  }

  /**
   * A number of things, none of which takes less than {@code least} bytes.
   *
   * @throws FormatException if the file is too short for so many
   */
  long count(String what, long least) {
    long start = at;
    long count = int64(what);
    if (count < 0 || count > (bytes.byteSize() - at) / least) {
      throw problem(
          start,
          "%s is %s, but only %d bytes follow; the file is truncated or damaged, download it again"
              .formatted(what, Long.toUnsignedString(count), bytes.byteSize() - at));
    }
    return count;
  }

  String string(String what) {
    long length = count("length of " + what, 1);
    if (length > Integer.MAX_VALUE - 8) {
      throw problem(at, what + " claims " + length + " bytes, more than any text has");
    }
    long from = take(length, what);
    byte[] text = bytes.asSlice(from, length).toArray(ValueLayout.JAVA_BYTE);
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(text)).toString();
    } catch (CharacterCodingException e) {
      // Tokens may be pieces of characters: what is no UTF-8 becomes U+FFFD, as in other readers.
      return new String(text, StandardCharsets.UTF_8);
    }
  }

  private Object value(int type, String key, int depth) {
    return switch (type) {
      case 0 -> bytes.get(ValueLayout.JAVA_BYTE, take(1, key)) & 0xffL;
      case 1 -> (long) bytes.get(ValueLayout.JAVA_BYTE, take(1, key));
      case 2 -> bytes.get(SHORT, take(2, key)) & 0xffffL;
      case 3 -> (long) bytes.get(SHORT, take(2, key));
      case 4 -> int32(key) & 0xffff_ffffL;
      case 5 -> (long) int32(key);
      case 6 -> Float.intBitsToFloat(int32(key));
      case 7 -> bool(key);
      case STRING -> string(key);
      case ARRAY -> array(key, depth);
      case 10, 11 -> int64(key); // uint64 beyond 2^63 shows as negative and is refused where used
      case 12 -> Double.longBitsToDouble(int64(key));
      default -> throw problem(at - 4, key + " has the unknown value type " + type);
    };
  }

  private boolean bool(String key) {
    long from = take(1, key);
    byte value = bytes.get(ValueLayout.JAVA_BYTE, from);
    if (value != 0 && value != 1) {
      throw problem(from, key + " is a truth value, but its byte is " + (value & 0xff));
    }
    return value == 1;
  }

  private List<Object> array(String key, int depth) {
    if (depth >= MAX_DEPTH) {
      throw problem(at, key + " nests arrays deeper than " + MAX_DEPTH);
    }
    int type = int32("element type of " + key);
    if (type < 0 || type >= LEAST_BYTES.length) {
      throw problem(at - 4, key + " is an array of the unknown value type " + type);
    }
    long count = count("length of " + key, LEAST_BYTES[type]);
    if (count > MAX_ARRAY) {
      throw problem(
          at - 8, key + " claims " + count + " values; at most " + MAX_ARRAY + " are read");
    }
    List<Object> values = new ArrayList<>((int) Math.min(count, 1 << 20));
    for (long i = 0; i < count; i++) {
      values.add(value(type, key, depth + 1));
    }
    return values;
  }

  private long take(long length, String what) {
    if (length < 0 || length > bytes.byteSize() - at) {
      throw problem(
          at,
          "the file ends inside %s: %d bytes are needed, %d are left; it is truncated, download it again"
              .formatted(what, length, bytes.byteSize() - at));
    }
    long from = at;
    at += length;
    return from;
  }

  FormatException problem(long place, String problem) {
    return new FormatException(file, "byte " + place, problem + ".");
  }
}
