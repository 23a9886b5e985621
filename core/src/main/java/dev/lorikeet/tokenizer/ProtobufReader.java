package dev.lorikeet.tokenizer;

import dev.lorikeet.error.FormatException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * Reads one message of a file in the wire format of protocol buffers, field by field.
 *
 * <p>A field is a varint tag (number · 8 + wire type) and its value: a varint (type 0), 8 bytes
 * (1), a varint length and as many bytes (2), or 4 bytes (5), little-endian. Groups (3, 4) are not
 * used any more and refused.
 *
 * @see <a href="https://protobuf.dev/programming-guides/encoding/">Encoding</a>
 */
final class ProtobufReader {
  private static final int VARINT = 0;
  private static final int EIGHT_BYTES = 1;
  private static final int LENGTH = 2;
  private static final int FOUR_BYTES = 5;
  private static final int VARINT_BITS = 64;

  private final Path file;
  private final byte[] bytes;
  private final int end;
  private int at;
  private int field;
  private int wireType;

  /** The whole of {@code bytes}, which were read from {@code file}, is the message. */
  ProtobufReader(Path file, byte[] bytes) {
    this(file, bytes, 0, bytes.length);
  }

  private ProtobufReader(Path file, byte[] bytes, int from, int end) {
    this.file = file;
    this.bytes = bytes;
    this.at = from;
    this.end = end;
  }

  /** Goes to the next field, whose value has to be read or skipped; false at the message's end. */
  boolean next() {
    if (at == end) {
      return false;
    }
    int start = at;
    long tag = varint();
    field = (int) (tag >>> 3);
    wireType = (int) (tag & 7);
    if (field == 0 || tag >>> 32 != 0) {
      throw damaged(start, "is no field");
    }
    return true;
  }

  /** The field's number, from 1. */
  int field() {
    return field;
  }

  /** The value of a field of a whole number; negative ones are in two's complement. */
  long number() {
    require(VARINT);
    return varint();
  }

  /** The value of a field {@code bool}. */
  boolean flag() {
    return number() != 0;
  }

  /** The value of a field {@code float}. */
  float float32() {
    require(FOUR_BYTES);
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getFloat(take(Float.BYTES));
  }

  /** The value of a field {@code bytes}. */
  byte[] bytes() {
    ProtobufReader value = message();
    return Arrays.copyOfRange(bytes, value.at, value.end);
  }

  /** The value of a field {@code string}. */
  String string() {
    int start = at;
    byte[] utf8 = bytes();
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(utf8)).toString();
    } catch (CharacterCodingException e) {
      throw damaged(start, "begins a text that is not UTF-8");
    }
  }

  /** The value of a field that is a message itself. */
  ProtobufReader message() {
    require(LENGTH);
    int start = at;
    long length = varint();
    if (length < 0 || length > end - at) {
      throw damaged(
          start, "says that %d bytes follow, of which %d are there".formatted(length, end - at));
    }
    int from = take((int) length);
    return new ProtobufReader(file, bytes, from, at);
  }

  /** Goes over the value. */
  void skip() {
    switch (wireType) {
      case VARINT -> varint();
      case EIGHT_BYTES -> take(Long.BYTES);
      case LENGTH -> message();
      case FOUR_BYTES -> take(Float.BYTES);
      default -> throw damaged(at, "has the wire type " + wireType);
    }
  }

  private long varint() {
    int start = at;
    long value = 0;
    for (int shift = 0; shift < VARINT_BITS; shift += 7) {
      byte part = bytes[take(1)];
      value |= (part & 0x7FL) << shift;
      if (part >= 0) {
        return value;
      }
    }
    throw damaged(start, "begins a number of more than 64 bits");
  }

  private int take(int count) {
    if (count > end - at) {
      throw damaged(at, "is the end of a message, where %d bytes should follow".formatted(count));
    }
    int from = at;
    at += count;
    return from;
  }

  private void require(int expected) {
    if (wireType != expected) {
      throw damaged(
          at,
          "has the wire type %d for field %d, expected %d".formatted(wireType, field, expected));
    }
  }

  private FormatException damaged(int place, String problem) {
    return new FormatException(
        file,
        "byte " + place,
        problem + "; it is no SentencePiece model, or it is damaged or incomplete, copy it again");
  }
}
