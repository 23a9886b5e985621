package dev.lorikeet.format;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Conversions between float32 and the other stored floating-point formats, all little-endian.
 *
 * <p>Widening (F16, BF16 to float32) is exact, quiet and signalling NaN payloads included.
 * Narrowing rounds to the nearest value, ties to even; overflow gives infinity, NaN stays NaN. The
 * arithmetic is on integers because {@link Float#float16ToFloat} may keep or quiet a signalling NaN
 * depending on whether it runs interpreted or compiled.
 */
public final class Floats {
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfDouble DOUBLE =
      ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Elements per inner loop: an int counter lets the compiler drop the bounds checks. */
  private static final int CHUNK = 1 << 14;

  private static final int F32_INFINITY = 0x7f80_0000;
  private static final int F16_INFINITY = 0x7c00;

  /** 65520, the midpoint between the largest F16 and the next power of two: rounds to infinity. */
  private static final int F16_OVERFLOW = 0x477f_f000;

  /** 2^-14, the smallest normal F16. */
  private static final int F16_SMALLEST_NORMAL = 0x3880_0000;

  private Floats() {}

  /**
   * Converts stored elements to float32.
   *
   * @param type format of {@code source}, a floating-point one; F64 is rounded to nearest even
   * @param source elements of {@code type}
   * @param target float32 segment for exactly as many elements
   */
  public static void decode(StoredType type, MemorySegment source, MemorySegment target) {
    checkSizes(source, type, target, StoredType.F32);
    switch (type) {
      case F32 -> target.copyFrom(source);
      case BF16 -> inChunks(source, 2, target, 4, Floats::decodeBf16);
      case F16 -> inChunks(source, 2, target, 4, Floats::decodeF16);
      case F64 -> inChunks(source, 8, target, 4, Floats::decodeF64);
      case I64, I32, I16, I8, U8, BOOL ->
          throw new IllegalStateException(type + " holds no floating-point numbers");
    }
  }

  /**
   * Converts float32 elements to a stored format.
   *
   * @param type format of {@code target}, a floating-point one
   * @param source float32 elements
   * @param target segment for exactly as many elements of {@code type}
   */
  public static void encode(StoredType type, MemorySegment source, MemorySegment target) {
    checkSizes(source, StoredType.F32, target, type);
    switch (type) {
      case F32 -> target.copyFrom(source);
      case BF16 -> inChunks(source, 4, target, 2, Floats::encodeBf16);
      case F16 -> inChunks(source, 4, target, 2, Floats::encodeF16);
      case F64 -> inChunks(source, 4, target, 8, Floats::encodeF64);
      case I64, I32, I16, I8, U8, BOOL ->
          throw new IllegalStateException(type + " holds no floating-point numbers");
    }
  }

  /** The float32 with the bits of BF16 {@code value} as its upper half. */
  public static float fromBf16(short value) {
    return Float.intBitsToFloat(bf16Bits(value));
  }

  /** The float32 equal to F16 {@code value}. */
  public static float fromF16(short value) {
    return Float.intBitsToFloat(f16Bits(value));
  }

  /** The BF16 nearest to {@code value}, ties to even; a NaN becomes quiet. */
  public static short toBf16(float value) {
    return bf16(Float.floatToRawIntBits(value));
  }

  /** The F16 nearest to {@code value}, ties to even; a NaN becomes quiet. */
  public static short toF16(float value) {
    return f16(Float.floatToRawIntBits(value));
  }

  private static int bf16Bits(short value) {
    return value << 16;
  }

  private static int f16Bits(short value) {
    int sign = (value & 0x8000) << 16;
    int exponent = (value >>> 10) & 0x1f;
    int fraction = value & 0x3ff;
    if (exponent == 0) {
      // Subnormal: fraction · 2^-24, exact in float32.
      return sign | Float.floatToRawIntBits(fraction * 0x1p-24f);
    }
    if (exponent == 0x1f) {
      return sign | F32_INFINITY | (fraction << 13);
    }
    return sign | ((exponent + 112) << 23) | (fraction << 13); // biases: 127 - 15 = 112
  }

  private static short bf16(int bits) {
    if ((bits & 0x7fff_ffff) > F32_INFINITY) {
      return (short) ((bits >>> 16) | 0x40);
    }
    // Adding just under half of the last kept bit, or exactly half when that bit is odd.
    return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
  }

  private static short f16(int bits) {
    int sign = (bits >>> 16) & 0x8000;
    int magnitude = bits & 0x7fff_ffff;
    if (magnitude > F32_INFINITY) {
      return (short) (sign | F16_INFINITY | 0x200 | ((magnitude >>> 13) & 0x3ff));
    }
    if (magnitude >= F16_OVERFLOW) {
      return (short) (sign | F16_INFINITY);
    }
    if (magnitude < F16_SMALLEST_NORMAL) {
      // 0.5f has steps of 2^-24, the F16 subnormal step, so the addition does the rounding.
      int shifted = Float.floatToRawIntBits(Float.intBitsToFloat(magnitude) + 0.5f);
      return (short) (sign | (shifted - Float.floatToRawIntBits(0.5f)));
    }
    int rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
    return (short) (sign | ((rounded >>> 13) - (112 << 10)));
  }

  private static void decodeBf16(MemorySegment source, MemorySegment target, int count) {
    for (int i = 0; i < count; i++) {
      target.set(INT, 4L * i, bf16Bits(source.get(SHORT, 2L * i)));
    }
  }

  private static void decodeF16(MemorySegment source, MemorySegment target, int count) {
    for (int i = 0; i < count; i++) {
      target.set(INT, 4L * i, f16Bits(source.get(SHORT, 2L * i)));
    }
  }

  private static void decodeF64(MemorySegment source, MemorySegment target, int count) {
    for (int i = 0; i < count; i++) {
      float value = (float) source.get(DOUBLE, 8L * i);
      target.set(INT, 4L * i, Float.floatToRawIntBits(value));
    }
  }

  private static void encodeBf16(MemorySegment source, MemorySegment target, int count) {
    for (int i = 0; i < count; i++) {
      target.set(SHORT, 2L * i, bf16(source.get(INT, 4L * i)));
    }
  }

  private static void encodeF16(MemorySegment source, MemorySegment target, int count) {
    for (int i = 0; i < count; i++) {
      target.set(SHORT, 2L * i, f16(source.get(INT, 4L * i)));
    }
  }

  private static void encodeF64(MemorySegment source, MemorySegment target, int count) {
    for (int i = 0; i < count; i++) {
      target.set(DOUBLE, 8L * i, Float.intBitsToFloat(source.get(INT, 4L * i)));
    }
  }

  private static void inChunks(
      MemorySegment source, int sourceBytes, MemorySegment target, int targetBytes, Chunk chunk) {
    long elements = source.byteSize() / sourceBytes;
    for (long first = 0; first < elements; first += CHUNK) {
      int count = (int) Math.min(CHUNK, elements - first);
      chunk.convert(
          source.asSlice(first * sourceBytes, (long) count * sourceBytes),
          target.asSlice(first * targetBytes, (long) count * targetBytes),
          count);
    }
  }

  private static void checkSizes(
      MemorySegment source, StoredType sourceType, MemorySegment target, StoredType targetType) {
    long elements = source.byteSize() / sourceType.bytes();
    if (source.byteSize() % sourceType.bytes() != 0
        || target.byteSize() != elements * targetType.bytes()) {
      throw new IllegalStateException(
          "%d bytes of %s do not convert into %d bytes of %s"
              .formatted(source.byteSize(), sourceType, target.byteSize(), targetType));
    }
  }

  private interface Chunk {
    void convert(MemorySegment source, MemorySegment target, int count);
  }
}
