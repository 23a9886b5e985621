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
        assertEquals((byte) code, map.nearest(values[code]));
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
        int even = code - code % 2;
        assertEquals((byte) even, map.nearest(middle), "on the middle below code " + code);
        assertEquals((byte) (code - 1), map.nearest(Math.nextDown(middle)), "below " + code);
        assertEquals((byte) code, map.nearest(Math.nextUp(middle)), "above " + code);
      }
    }
  }

  @Test
  void theSearchOfTheCudaKernelsEndsAtTheSameCode() {
    for (int i = -10_100; i <= 10_100; i++) {
      float x = i / 10_000f;
      assertEquals(searched(x), DynamicMap.SIGNED.nearest(x), "code of " + x);
    }
    for (int i = 0; i < 10_000; i++) {
      float tiny = i * 1e-10f;
      assertEquals(searched(tiny), DynamicMap.SIGNED.nearest(tiny), "code of " + tiny);
      assertEquals(searched(-tiny), DynamicMap.SIGNED.nearest(-tiny), "code of " + -tiny);
    }
    for (float x : new float[] {Float.NaN, 2f, -2f, Float.MAX_VALUE, Float.NEGATIVE_INFINITY}) {
      assertEquals(searched(x), DynamicMap.SIGNED.nearest(x), "code of " + x);
    }
  }

  /**
   * dQuantize: halving steps from the middle, then the midpoint to the neighbour on the far side.
   */
  private static byte searched(float x) {
    float[] values = DynamicMap.SIGNED.values();
    int pivot = 127;
    int upper = 255;
    int lower = 0;
    for (int step = 64; step > 0; step >>= 1) {
      if (x > values[pivot]) {
        lower = pivot;
        pivot += step;
      } else {
        upper = pivot;
        pivot -= step;
      }
    }
    if (x > values[pivot]) {
      return (byte) (x > (values[upper] + values[pivot]) * 0.5f ? upper : pivot);
    }
    return (byte) (x < (values[lower] + values[pivot]) * 0.5f ? lower : pivot);
  }

  @Test
  void statesKeepTheirSign() {
    for (int i = 1; i <= 10_000; i++) {
      float x = i / 10_000f;
      assertEquals(DynamicMap.SIGNED.nearest(x), DynamicMap.SIGNED.nearestOfSameSign(x));
      assertEquals(DynamicMap.SIGNED.nearest(-x), DynamicMap.SIGNED.nearestOfSameSign(-x));
    }
    assertEquals((byte) 127, DynamicMap.SIGNED.nearestOfSameSign(0f));
    assertEquals((byte) 127, DynamicMap.SIGNED.nearestOfSameSign(-0f));
    assertEquals((byte) 127, DynamicMap.SIGNED.nearestOfSameSign(Float.MIN_VALUE));
    assertEquals((byte) 126, DynamicMap.SIGNED.nearestOfSameSign(-Float.MIN_VALUE));
    assertEquals((byte) 127, DynamicMap.SIGNED.nearest(-Float.MIN_VALUE));
    assertEquals((byte) 0, DynamicMap.SIGNED.nearestOfSameSign(-1f));
    assertEquals((byte) 0, DynamicMap.UNSIGNED.nearestOfSameSign(Float.MIN_VALUE));
  }
}
