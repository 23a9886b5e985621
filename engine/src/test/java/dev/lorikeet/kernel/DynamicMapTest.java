package dev.lorikeet.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.lorikeet.fixture.Fixture;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

final class DynamicMapTest {

  @Test
  @Tag("reference")
  void valuesAreThoseOfThePublishedMap() {
    try (Fixture fixture = new Fixture("optim/adamw_8bit.safetensors")) {
      assertArrayEquals(fixture.floats("signed"), DynamicMap.SIGNED.values());
      assertArrayEquals(fixture.floats("unsigned"), DynamicMap.UNSIGNED.values());
    }
  }

  @Test
  void everyValueIsItsOwnNearest() {
    for (DynamicMap map : new DynamicMap[] {DynamicMap.SIGNED, DynamicMap.UNSIGNED}) {
      float[] values = map.values();
      assertEquals(256, values.length);
      for (int code = 0; code < 256; code++) {
        assertEquals((byte) code, map.code(values[code]));
        assertEquals(values[code], map.value((byte) code));
      }
      assertEquals(0f, map.value(map.zero()));
      assertEquals(1f, values[255]);
    }
  }

  /** On both sides of every middle, and on it, where the even code wins. */
  @Test
  void numbersBecomeTheNearestValue() {
    for (DynamicMap map : new DynamicMap[] {DynamicMap.SIGNED, DynamicMap.UNSIGNED}) {
      float[] values = map.values();
      for (int code = 1; code < 256; code++) {
        float middle = (values[code - 1] + values[code]) * 0.5f;
        int below = values[code] == 0 ? code - 1 : code - (code % 2 == 0 ? 0 : 1);
        assertEquals((byte) below, map.code(middle), "on the middle below code " + code);
        assertEquals((byte) (code - 1), map.code(Math.nextDown(middle)), "below " + code);
        int above = values[code] == 0 ? code - 1 : code;
        assertEquals((byte) above, map.code(Math.nextUp(middle)), "above " + code);
      }
    }
  }

  @Test
  void theSmallestNumbersBecomeZeroButNegativeOnesStayNegative() {
    assertEquals((byte) 127, DynamicMap.SIGNED.code(0f));
    assertEquals((byte) 127, DynamicMap.SIGNED.code(-0f));
    assertEquals((byte) 127, DynamicMap.SIGNED.code(Float.MIN_VALUE));
    assertEquals((byte) 126, DynamicMap.SIGNED.code(-Float.MIN_VALUE));
    assertEquals((byte) 0, DynamicMap.SIGNED.code(-1f));
    assertEquals((byte) 0, DynamicMap.UNSIGNED.code(Float.MIN_VALUE));
  }
}
