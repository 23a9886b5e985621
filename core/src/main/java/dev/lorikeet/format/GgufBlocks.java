package dev.lorikeet.format;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * What the blocks of GGUF's quantised types stand for, bit for bit as ggml's reference functions
 * ({@code dequantize_row_q4_0} and the like in ggml-quants.c) and the Python package gguf have it:
 * every product and every difference is rounded to float32.
 */
public final class GgufBlocks {
  private static final ValueLayout.OfShort HALF =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final int Q4_K_CODES = 16;
  private static final int Q6_K_HIGH = 128;
  private static final int Q6_K_SCALES = 192;
  private static final int Q6_K_SCALE = 208;

  private GgufBlocks() {}

  /**
   * Converts whole blocks to little-endian float32.
   *
   * @param source blocks, or plain numbers, of {@code type}
   * @param target four bytes for every weight
   */
  public static void decode(GgufType type, MemorySegment source, MemorySegment target) {
    long blocks = source.byteSize() / type.blockBytes();
    if (source.byteSize() % type.blockBytes() != 0
        || target.byteSize() != blocks * type.blockElements() * Float.BYTES) {
      throw new IllegalStateException(
          "%d bytes of %s do not convert into %d bytes of F32"
              .formatted(source.byteSize(), type, target.byteSize()));
    }
    switch (type) {
      case F32 -> Floats.decode(StoredType.F32, source, target);
      case F16 -> Floats.decode(StoredType.F16, source, target);
      case BF16 -> Floats.decode(StoredType.BF16, source, target);
      case Q4_0 -> eachBlock(type, source, target, GgufBlocks::fourBits);
      case Q8_0 -> eachBlock(type, source, target, GgufBlocks::eightBits);
      case Q4_K -> eachBlock(type, source, target, GgufBlocks::fourBitsWithMinima);
      case Q6_K -> eachBlock(type, source, target, GgufBlocks::sixBits);
    }
  }

  private interface Block {
    /** Decodes the block at byte {@code from} of the source to byte {@code to} of the target. */
    void decode(MemorySegment source, long from, MemorySegment target, long to);
  }

  private static void eachBlock(
      GgufType type, MemorySegment source, MemorySegment target, Block block) {
    long to = 0;
    for (long from = 0; from < source.byteSize(); from += type.blockBytes()) {
      block.decode(source, from, target, to);
      to += (long) type.blockElements() * Float.BYTES;
    }
  }

  private static float scale(MemorySegment source, long at) {
    return Floats.fromF16(source.get(HALF, at));
  }

  private static int unsigned(MemorySegment source, long at) {
    return source.get(ValueLayout.JAVA_BYTE, at) & 0xff;
  }

  private static void put(MemorySegment target, long first, int index, float value) {
    target.set(FLOAT, first + (long) index * Float.BYTES, value);
  }

  private static void fourBits(MemorySegment source, long from, MemorySegment target, long to) {
    float scale = scale(source, from);
    for (int i = 0; i < 16; i++) {
      int codes = unsigned(source, from + 2 + i);
      put(target, to, i, scale * ((codes & 0xf) - 8));
      put(target, to, i + 16, scale * ((codes >>> 4) - 8));
    }
  }

  private static void eightBits(MemorySegment source, long from, MemorySegment target, long to) {
    float scale = scale(source, from);
    for (int i = 0; i < 32; i++) {
      put(target, to, i, scale * source.get(ValueLayout.JAVA_BYTE, from + 2 + i));
    }
  }

  private static void fourBitsWithMinima(
      MemorySegment source, long from, MemorySegment target, long to) {
    float scales = scale(source, from);
    float minima = scale(source, from + 2);
    for (int group = 0; group < 8; group++) {
      float scale = scales * sixBitScale(source, from + 4, group);
      float minimum = minima * sixBitMinimum(source, from + 4, group);
      long codes = from + Q4_K_CODES + 32L * (group / 2);
      int shift = 4 * (group % 2);
      for (int i = 0; i < 32; i++) {
        int code = (unsigned(source, codes + i) >>> shift) & 0xf;
        put(target, to, 32 * group + i, scale * code - minimum);
      }
    }
  }

  /** Twelve bytes hold 6-bit numbers: four low ones of each kind whole, the others in two parts. */
  private static int sixBitScale(MemorySegment source, long at, int group) {
    return group < 4
        ? unsigned(source, at + group) & 63
        : (unsigned(source, at + group + 4) & 0xf)
            | ((unsigned(source, at + group - 4) >>> 6) << 4);
  }

  private static int sixBitMinimum(MemorySegment source, long at, int group) {
    return group < 4
        ? unsigned(source, at + group + 4) & 63
        : (unsigned(source, at + group + 4) >>> 4) | ((unsigned(source, at + group) >>> 6) << 4);
  }

  private static void sixBits(MemorySegment source, long from, MemorySegment target, long to) {
    float scale = scale(source, from + Q6_K_SCALE);
    for (int group = 0; group < 8; group++) {
      // Groups of 32: two share 32 bytes of low halves, four share 32 bytes of high pairs.
      int half = group / 4;
      int quarter = group % 4;
      long low = from + 64L * half + 32L * (quarter % 2);
      long high = from + Q6_K_HIGH + 32L * half;
      for (int i = 0; i < 32; i++) {
        int code =
            ((unsigned(source, low + i) >>> (4 * (quarter / 2))) & 0xf)
                | (((unsigned(source, high + i) >>> (2 * quarter)) & 3) << 4);
        byte own = source.get(ValueLayout.JAVA_BYTE, from + Q6_K_SCALES + 2L * group + i / 16);
        put(target, to, 32 * group + i, scale * own * (code - 32));
      }
    }
  }
}
