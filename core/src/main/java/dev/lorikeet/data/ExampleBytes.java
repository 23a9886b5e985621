package dev.lorikeet.data;

import java.nio.ByteBuffer;
import java.util.BitSet;

/**
 * An example as bytes, the form that is hashed ({@link Fingerprint}) and stored ({@link
 * ExampleStore}): id (8 bytes), first label (4), number of tokens (4), token ids (4 each),
 * big-endian. A token behind the first label that is not learned is there as the complement of its
 * id, which is negative.
 */
final class ExampleBytes {
  /** Bytes before the tokens. */
  static final int HEADER = 16;

  private static final int ID = 0;
  private static final int FIRST_LABEL = 8;
  private static final int LENGTH = 12;

  private ExampleBytes() {}

  /** Bytes of an example of {@code length} tokens. */
  static int count(int length) {
    return Math.toIntExact(HEADER + (long) Integer.BYTES * length);
  }

  /** The bytes of {@code example}, from position 0 to the limit. */
  static ByteBuffer of(Example example) {
    ByteBuffer bytes = ByteBuffer.allocate(count(example.length()));
    bytes.putLong(example.id()).putInt(example.firstLabel()).putInt(example.length());
    example.write(bytes.slice(HEADER, bytes.capacity() - HEADER).asIntBuffer());
    return bytes.rewind();
  }

  /** Number of tokens that the header at {@code bytes}' beginning tells. */
  static int length(ByteBuffer bytes) {
    return bytes.getInt(LENGTH);
  }

  /** The example whose bytes are all of {@code bytes}. */
  static Example read(ByteBuffer bytes) {
    int[] written = written(bytes);
    int firstLabel = bytes.getInt(FIRST_LABEL);
    BitSet learned = new BitSet(written.length);
    boolean all = true;
    for (int i = 0; i < written.length; i++) {
      learned.set(i, i >= firstLabel && written[i] >= 0);
      all &= written[i] >= 0;
      written[i] = written[i] < 0 ? ~written[i] : written[i];
    }
    return all
        ? new Example(bytes.getLong(ID), written, firstLabel)
        : Example.of(bytes.getLong(ID), written, learned);
  }

  /** The token ids of the example whose bytes are all of {@code bytes}. */
  static int[] tokens(ByteBuffer bytes) {
    int[] tokens = written(bytes);
    for (int i = 0; i < tokens.length; i++) {
      tokens[i] = tokens[i] < 0 ? ~tokens[i] : tokens[i];
    }
    return tokens;
  }

  /** Id of the example whose header {@code bytes} begins with. */
  static long id(ByteBuffer bytes) {
    return bytes.getLong(ID);
  }

  private static int[] written(ByteBuffer bytes) {
    int[] tokens = new int[(bytes.limit() - HEADER) / Integer.BYTES];
    bytes.slice(HEADER, bytes.limit() - HEADER).asIntBuffer().get(tokens);
    return tokens;
  }
}
