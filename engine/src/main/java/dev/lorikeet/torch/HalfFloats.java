package dev.lorikeet.torch;

import dev.lorikeet.format.Floats;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Numbers of two bytes to float32, which is exact, and back, to the nearest value with ties to
 * even. Works on host addresses; what {@code format.Floats} does for files.
 */
public final class HalfFloats {
  private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
  private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_256;
  private static final int LANES = FLOATS.length();

  private static final int CONVERTED_AT_ONCE = 1 << 14;

  private static final int SIGN = 0x8000;
  private static final int MAGNITUDE = 0x7fff;
  private static final int F16_SMALLEST_NORMAL = 0x400;
  private static final int F16_INFINITY = 0x7c00;

  /** Float32's exponents are biased by 112 more than those of F16, here at their place. */
  private static final int REBIAS = 112 << 23;

  private static final float F16_UNIT = 0x1p-24f;
  private static final int F32_INFINITY = 0x7f80_0000;

  private HalfFloats() {}

  /** Widens or rounds all elements, whichever of the two is narrower, in ranges of the device. */
  static void convert(Device device, Tensor source, Tensor target) {
    boolean widens = target.dtype() == DType.FLOAT32;
    long elements = target.elements();
    device.forRange(
        Math.toIntExact(Math.ceilDiv(elements, CONVERTED_AT_ONCE)),
        1,
        (from, to) -> {
          for (int chunk = from; chunk < to; chunk++) {
            long first = (long) chunk * CONVERTED_AT_ONCE;
            int count = (int) Math.min(CONVERTED_AT_ONCE, elements - first);
            long read = source.address() + source.dtype().bytes() * first;
            long write = target.address() + target.dtype().bytes() * first;
            if (widens) {
              widen(source.dtype(), read, write, count);
            } else {
              narrow(target.dtype(), read, write, count);
            }
          }
        });
  }

  /** Writes {@code count} numbers of {@code type} at {@code from} as float32 to {@code to}. */
  public static void widen(DType type, long from, long to, int count) {
    boolean brain = type == DType.BFLOAT16;
    int i = 0;
    for (; i + LANES <= count; i += LANES) {
      IntVector half = loadShorts(from + 2L * i);
      IntVector bits = brain ? half.lanewise(VectorOperators.LSHL, 16) : widenF16(half);
      bits.intoMemorySegment(MEMORY, to + 4L * i, ORDER);
    }
    for (; i < count; i++) {
      short half = MEMORY.get(ValueLayout.JAVA_SHORT_UNALIGNED, from + 2L * i);
      MEMORY.set(ValueLayout.JAVA_FLOAT_UNALIGNED, to + 4L * i, widen(type, half));
    }
  }

  /** Rounds {@code count} float32 at {@code from} to {@code type} at {@code to}. */
  static void narrow(DType type, long from, long to, int count) {
    int i = 0;
    if (type == DType.BFLOAT16) {
      for (; i + LANES <= count; i += LANES) {
        IntVector bits =
            IntVector.fromMemorySegment(IntVector.SPECIES_256, MEMORY, from + 4L * i, ORDER);
        ((ShortVector)
                narrowBf16(bits).convertShape(VectorOperators.I2S, ShortVector.SPECIES_128, 0))
            .intoMemorySegment(MEMORY, to + 2L * i, ORDER);
      }
    }
    for (; i < count; i++) {
      float value = MEMORY.get(ValueLayout.JAVA_FLOAT_UNALIGNED, from + 4L * i);
      MEMORY.set(ValueLayout.JAVA_SHORT_UNALIGNED, to + 2L * i, narrow(type, value));
    }
  }

  /**
   * Sums of {@code count} rows of bfloat16 at {@code rows} times the float32 at {@code x}, as
   * float32 to {@code sums}: two sums over eight lanes each, which are added last.
   */
  static void dots(long rows, int count, int columns, long x, long sums) {
    for (int row = 0; row < count; row++) {
      long at = rows + 2L * row * columns;
      MEMORY.set(ValueLayout.JAVA_FLOAT_UNALIGNED, sums + 4L * row, dot(at, columns, x));
    }
  }

  private static float dot(long row, int columns, long x) {
    FloatVector even = FloatVector.zero(FLOATS);
    FloatVector odd = FloatVector.zero(FLOATS);
    int i = 0;
    for (; i + 2 * LANES <= columns; i += 2 * LANES) {
      even = widened(row + 2L * i).fma(loadFloats(x + 4L * i), even);
      odd = widened(row + 2L * (i + LANES)).fma(loadFloats(x + 4L * (i + LANES)), odd);
    }
    float rest = 0;
    for (; i < columns; i++) {
      short half = MEMORY.get(ValueLayout.JAVA_SHORT_UNALIGNED, row + 2L * i);
      float value = MEMORY.get(ValueLayout.JAVA_FLOAT_UNALIGNED, x + 4L * i);
      rest = Math.fma(Floats.fromBf16(half), value, rest);
    }
    return FewRows.sum(even.add(odd)) + rest;
  }

  private static FloatVector widened(long address) {
    return loadShorts(address).lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
  }

  private static FloatVector loadFloats(long address) {
    return FloatVector.fromMemorySegment(FLOATS, MEMORY, address, ORDER);
  }

  private static float widen(DType type, short half) {
    return type == DType.BFLOAT16 ? Floats.fromBf16(half) : Floats.fromF16(half);
  }

  private static short narrow(DType type, float value) {
    return type == DType.BFLOAT16 ? Floats.toBf16(value) : Floats.toF16(value);
  }

  /** Eight numbers of two bytes, each in the lower half of its lane. */
  private static IntVector loadShorts(long address) {
    ShortVector shorts =
        ShortVector.fromMemorySegment(ShortVector.SPECIES_128, MEMORY, address, ORDER);
    return (IntVector) shorts.convertShape(VectorOperators.S2I, IntVector.SPECIES_256, 0);
  }

  private static IntVector widenF16(IntVector half) {
    IntVector magnitude = half.and(MAGNITUDE);
    IntVector shifted = magnitude.lanewise(VectorOperators.LSHL, 13);
    FloatVector units = (FloatVector) magnitude.convert(VectorOperators.I2F, 0);
    IntVector subnormal = units.mul(F16_UNIT).reinterpretAsInts();
    return shifted
        .add(REBIAS)
        .blend(subnormal, magnitude.lt(F16_SMALLEST_NORMAL))
        .blend(shifted.or(F32_INFINITY), magnitude.lt(F16_INFINITY).not())
        .or(half.and(SIGN).lanewise(VectorOperators.LSHL, 16));
  }

  private static IntVector narrowBf16(IntVector bits) {
    IntVector upper = bits.lanewise(VectorOperators.LSHR, 16);
    IntVector rounded = bits.add(upper.and(1)).add(MAGNITUDE).lanewise(VectorOperators.LSHR, 16);
    var notANumber = bits.and(Integer.MAX_VALUE).compare(VectorOperators.GT, F32_INFINITY);
    return rounded.blend(upper.or(0x40), notANumber);
  }
}
