package dev.lorikeet.tokenizer;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Writes messages in the wire format of protocol buffers, damaged ones too. */
final class ModelBytes {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  ModelBytes number(int field, long value) {
    varint(field * 8L);
    varint(value);
    return this;
  }

  ModelBytes float32(int field, float value) {
    varint(field * 8L + 5);
    out.writeBytes(
        ByteBuffer.allocate(Float.BYTES).order(ByteOrder.LITTLE_ENDIAN).putFloat(value).array());
    return this;
  }

  ModelBytes bytes(int field, byte[] value) {
    varint(field * 8L + 2);
    varint(value.length);
    out.writeBytes(value);
    return this;
  }

  ModelBytes string(int field, String value) {
    return bytes(field, value.getBytes(StandardCharsets.UTF_8));
  }

  ModelBytes message(int field, ModelBytes value) {
    return bytes(field, value.toBytes());
  }

  /** A piece of a SentencePiece model; {@code type} as the file's number. */
  ModelBytes piece(String text, float score, int type) {
    return message(1, new ModelBytes().string(1, text).float32(2, score).number(3, type));
  }

  ModelBytes raw(int... values) {
    for (int value : values) {
      out.write(value);
    }
    return this;
  }

  byte[] toBytes() {
    return out.toByteArray();
  }

  private void varint(long value) {
    long rest = value;
    while ((rest & ~0x7FL) != 0) {
      out.write((int) ((rest & 0x7F) | 0x80));
      rest >>>= 7;
    }
    out.write((int) rest);
  }
}
