package dev.lorikeet.format;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigDecimal;
import java.nio.ByteOrder;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

final class FloatsTest {
  private static final int PATTERNS = 1 << 16;
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** The value that IEEE 754 gives a pattern of {@code exponentBits} and {@code fractionBits}. */
  private static double defined(int pattern, int exponentBits, int fractionBits) {
    int sign = pattern >>> 15 == 0 ? 1 : -1;
    int largest = (1 << exponentBits) - 1;
    int bias = largest >>> 1;
    int exponent = (pattern >>> fractionBits) & largest;
    double fraction = (pattern & ((1 << fractionBits) - 1)) / (double) (1 << fractionBits);
    if (exponent == largest) {
      return fraction == 0 ? sign * Double.POSITIVE_INFINITY : Double.NaN;
    }
    return exponent == 0
        ? sign * fraction * Math.pow(2, 1 - bias)
        : sign * (1 + fraction) * Math.pow(2, exponent - bias);
  }

  private static double defined(StoredType type, int pattern) {
    return type == StoredType.F16 ? defined(pattern, 5, 10) : defined(pattern, 8, 7);
  }

  private static float widen(StoredType type, int pattern) {
    return type == StoredType.F16
        ? Floats.fromF16((short) pattern)
        : Floats.fromBf16((short) pattern);
  }

  private static int narrow(StoredType type, float value) {
    return (type == StoredType.F16 ? Floats.toF16(value) : Floats.toBf16(value)) & 0xffff;
  }

  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16"})
  void everyPatternWidensToTheDefinedValue(StoredType type) {
    for (int pattern = 0; pattern < PATTERNS; pattern++) {
      double expected = defined(type, pattern);
      // assertEquals on doubles tells -0 from 0 and takes NaN for NaN.
      assertEquals(expected, widen(type, pattern), "pattern " + Integer.toHexString(pattern));
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16"})
  void everyPatternSurvivesARoundTripAndNanStaysNan(StoredType type) {
    int quiet = type == StoredType.F16 ? 0x200 : 0x40;
    for (int pattern = 0; pattern < PATTERNS; pattern++) {
      int expected = Double.isNaN(defined(type, pattern)) ? pattern | quiet : pattern;
      assertEquals(
          expected, narrow(type, widen(type, pattern)), "pattern " + Integer.toHexString(pattern));
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16"})
  void midpointsRoundToTheEvenNeighbourAndTheirNeighboursToTheNearest(StoredType type) {
    int infinity = type == StoredType.F16 ? 0x7c00 : 0x7f80;
    for (int low = 0; low < infinity - 1; low++) {
      double exact = (defined(type, low) + defined(type, low + 1)) / 2;
      float middle = (float) exact; // one bit more than the type has, so float32 holds it
      assertEquals(exact, middle);
      int even = low % 2 == 0 ? low : low + 1;
      assertEquals(even, narrow(type, middle));
      assertEquals(even | 0x8000, narrow(type, -middle));
      assertEquals(low, narrow(type, Math.nextDown(middle)));
      assertEquals(low + 1, narrow(type, Math.nextUp(middle)));
    }
  }

  @Test
  void halfTheLastStepBeyondTheLargestValueIsInfinity() {
    assertEquals(0x7bff, narrow(StoredType.F16, Math.nextDown(65520f)));
    assertEquals(0x7c00, narrow(StoredType.F16, 65520f));
    assertEquals(0xfc00, narrow(StoredType.F16, Float.NEGATIVE_INFINITY));
    assertEquals(0x7f80, narrow(StoredType.BF16, Float.MAX_VALUE));
    assertEquals(0xff80, narrow(StoredType.BF16, Float.NEGATIVE_INFINITY));
  }

  @Test
  void nanWithPayloadOnlyInTheLowBitsStaysNan() {
    float nan = Float.intBitsToFloat(0xff80_0001);
    assertTrue(Float.isNaN(Floats.fromBf16(Floats.toBf16(nan))));
    assertTrue(Float.isNaN(Floats.fromF16(Floats.toF16(nan))));
  }

  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16"})
  void randomFloatsRoundToANearestValue(StoredType type) {
    long seed = System.nanoTime();
    SplittableRandom random = new SplittableRandom(seed);
    int infinity = type == StoredType.F16 ? 0x7c00 : 0x7f80;
    for (int i = 0; i < 20_000; i++) {
      float value = Float.intBitsToFloat(random.nextInt() & Integer.MAX_VALUE);
      int found = narrow(type, value);
      if (!Float.isFinite(value) || found == infinity) {
        continue;
      }
      BigDecimal error = distance(type, found, value);
      int shown = i;
      for (int other : new int[] {found - 1, found + 1}) {
        if (other >= 0 && other < infinity) {
          assertTrue(
              error.compareTo(distance(type, other, value)) <= 0,
              () -> "seed " + seed + ", draw " + shown + ", value " + value);
        }
      }
    }
  }

  private static BigDecimal distance(StoredType type, int pattern, float value) {
    return new BigDecimal(defined(type, pattern)).subtract(new BigDecimal(value)).abs();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 13, 207, (1 << 14) - 1, 1 << 14, (1 << 14) + 1, 100_003})
  void segmentsConvertLikeSingleValues(int count) {
    MemorySegment source = Fixtures.floatTarget(count).asSlice(0, 2L * count);
    for (int i = 0; i < count; i++) {
      source.set(SHORT, 2L * i, (short) (i * 40_503));
    }
    for (StoredType type : new StoredType[] {StoredType.F16, StoredType.BF16}) {
      MemorySegment floats = Fixtures.floatTarget(count);
      Floats.decode(type, source, floats);
      float[] values = Fixtures.toFloats(floats);
      MemorySegment back = MemorySegment.ofArray(new byte[2 * count]);
      Floats.encode(type, floats, back);
      for (int i = 0; i < count; i++) {
        int pattern = source.get(SHORT, 2L * i);
        assertEquals(
            Float.floatToRawIntBits(widen(type, pattern)), Float.floatToRawIntBits(values[i]));
        assertEquals(narrow(type, values[i]), back.get(SHORT, 2L * i) & 0xffff);
      }
    }
  }

  @Test
  void doublesRoundToTheNearestFloat() {
    double[] values = {0.1, -1e300, Math.PI, 1 + 0x1p-24, 1 + 0x1p-24 + 0x1p-40, Double.NaN};
    MemorySegment source = MemorySegment.ofArray(new byte[8 * values.length]);
    ValueLayout.OfDouble layout =
        ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    MemorySegment.copy(values, 0, source, layout, 0, values.length);
    MemorySegment target = Fixtures.floatTarget(values.length);
    Floats.decode(StoredType.F64, source, target);
    assertArrayEquals(
        new float[] {
          0.1f, Float.NEGATIVE_INFINITY, (float) Math.PI, 1f, Math.nextUp(1f), Float.NaN
        },
        Fixtures.toFloats(target));
    MemorySegment back = MemorySegment.ofArray(new byte[8 * values.length]);
    Floats.encode(StoredType.F64, target, back);
    assertEquals((double) 0.1f, back.get(layout, 0));
  }

  @Test
  void integersAndWrongSizesAreDefectsOfTheCaller() {
    MemorySegment four = MemorySegment.ofArray(new byte[4]);
    assertThrows(IllegalStateException.class, () -> Floats.decode(StoredType.I32, four, four));
    assertThrows(
        IllegalStateException.class, () -> Floats.encode(StoredType.U8, four, four.asSlice(0, 1)));
    assertThrows(IllegalStateException.class, () -> Floats.decode(StoredType.BF16, four, four));
  }
}
