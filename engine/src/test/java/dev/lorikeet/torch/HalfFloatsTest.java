package dev.lorikeet.torch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.lorikeet.fixture.Tensors;
import dev.lorikeet.format.Floats;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Numbers of two bytes become what the files' own conversion says, in vectors and in the rest. */
@Tag("native")
final class HalfFloatsTest {
  private static final int PATTERNS = 1 << 16;

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"BFLOAT16", "FLOAT16"})
  void everyPatternBecomesItsFloat(DType type) {
    try (Device device = Device.cpu(2);
        Tensor half = device.empty(type, PATTERNS);
        Tensor shifted = device.empty(type, PATTERNS + 3)) {
      for (int i = 0; i < PATTERNS; i++) {
        half.segment().setAtIndex(ValueLayout.JAVA_SHORT, i, (short) i);
        shifted.segment().setAtIndex(ValueLayout.JAVA_SHORT, i + 3, (short) i);
      }
      try (Tensor floats = half.asFloats();
          Tensor tail = shifted.rows(PATTERNS, 3);
          Tensor tailFloats = tail.asFloats()) {
        for (int i = 0; i < PATTERNS; i++) {
          assertEquals(bits(type, (short) i), bitsAt(floats, i), "pattern " + i);
        }
        for (int i = 0; i < 3; i++) {
          short pattern = (short) (PATTERNS - 3 + i);
          assertEquals(bits(type, pattern), bitsAt(tailFloats, i));
        }
      }
    }
  }

  private static int bits(DType type, short half) {
    return Float.floatToRawIntBits(
        type == DType.BFLOAT16 ? Floats.fromBf16(half) : Floats.fromF16(half));
  }

  private static int bitsAt(Tensor floats, int index) {
    return floats.segment().getAtIndex(ValueLayout.JAVA_INT, index);
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"BFLOAT16", "FLOAT16"})
  void roundingIsThatOfFiles(DType type) {
    // Every upper half with lower halves around the middle, where ties and carries are.
    int[] lower = {0, 1, 0x0fff, 0x1000, 0x1001, 0x2fff, 0x3000, 0x7fff, 0x8000, 0x8001, 0xffff};
    int count = PATTERNS * lower.length;
    try (Device device = Device.cpu(2);
        Tensor floats = device.floats(count);
        Tensor half = device.empty(type, count)) {
      for (int i = 0; i < count; i++) {
        int bits = (i / lower.length) << 16 | lower[i % lower.length];
        floats.segment().setAtIndex(ValueLayout.JAVA_INT, i, bits);
      }
      half.roundFrom(floats);
      for (int i = 0; i < count; i++) {
        int bits = bitsAt(floats, i);
        float value = Float.intBitsToFloat(bits);
        short expected = type == DType.BFLOAT16 ? Floats.toBf16(value) : Floats.toF16(value);
        short found = half.segment().getAtIndex(ValueLayout.JAVA_SHORT, i);
        assertEquals(expected, found, () -> Integer.toHexString(bits));
      }
    }
  }

  @Test
  void nothingIsRoundedByCopying() {
    try (Device device = Device.cpu(1);
        Tensors tensors = new Tensors(device);
        Tensor half = device.empty(DType.BFLOAT16, 4)) {
      Tensor floats = tensors.normal("x", 4);
      assertThrows(IllegalStateException.class, () -> half.copyFrom(floats));
      assertThrows(IllegalStateException.class, () -> half.copyFrom(new float[4]));
      assertThrows(IllegalStateException.class, () -> floats.roundFrom(half));
    }
  }
}
