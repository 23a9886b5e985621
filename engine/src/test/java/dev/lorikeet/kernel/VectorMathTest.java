package dev.lorikeet.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Test;

/** Needs neither native memory nor a native library. */
final class VectorMathTest {
  private static final float LOWEST = -87.3f;
  private static final float HIGHEST = 88.3f;

  @Test
  void exponentialErrsByAtMostTwoUnitsInTheLastPlace() {
    double worst = 0;
    float at = 0;
    for (float x : sweep()) {
      double exact = StrictMath.exp(x);
      double error = Math.abs(VectorMath.exp(x) - exact) / Math.ulp((float) exact);
      if (!(error <= worst)) {
        worst = error;
        at = x;
      }
    }
    assertTrue(worst <= 2, "%.3f units in the last place at x = %s".formatted(worst, at));
  }

  @Test
  void vectorAndScalarExponentialAreTheSameBits() {
    List<Float> inputs = sweep();
    for (float special :
        new float[] {
          0f,
          -0f,
          Float.MIN_VALUE,
          Float.MAX_VALUE,
          -Float.MAX_VALUE,
          Float.POSITIVE_INFINITY,
          Float.NEGATIVE_INFINITY,
          Float.NaN,
          88.37626f,
          88.4f,
          1e6f,
          -87.33655f,
          -87.4f,
          -1e6f
        }) {
      inputs.add(special);
    }
    float[] lanes = new float[VectorMath.LANES];
    for (int from = 0; from + lanes.length <= inputs.size(); from += lanes.length) {
      for (int i = 0; i < lanes.length; i++) {
        lanes[i] = inputs.get(from + i);
      }
      FloatVector result = VectorMath.exp(FloatVector.fromArray(VectorMath.FLOATS, lanes, 0));
      for (int i = 0; i < lanes.length; i++) {
        int scalar = Float.floatToIntBits(VectorMath.exp(lanes[i]));
        assertEquals(scalar, Float.floatToIntBits(result.lane(i)), "bits of exp " + lanes[i]);
      }
    }
  }

  @Test
  void exponentialIsHeldAtBothEndsAndNeverLeavesTheNumbers() {
    float least = VectorMath.exp(Float.NEGATIVE_INFINITY);
    float greatest = VectorMath.exp(Float.POSITIVE_INFINITY);
    float exact = (float) StrictMath.exp(-87.33655f);
    assertEquals(exact, least, 2 * Math.ulp(exact));
    assertTrue(greatest > 2e38f && greatest < Float.POSITIVE_INFINITY, "exp ∞ = " + greatest);
    for (float x : new float[] {-88f, -100f, -1e30f, -Float.MAX_VALUE}) {
      assertEquals(least, VectorMath.exp(x), "exp " + x);
    }
    for (float x : new float[] {88.5f, 100f, 1e30f, Float.MAX_VALUE}) {
      assertEquals(greatest, VectorMath.exp(x), "exp " + x);
    }
    assertTrue(Float.isNaN(VectorMath.exp(Float.NaN)));
    assertEquals(1f, VectorMath.exp(0f));
  }

  /**
   * Neighbouring floats may fall by rounding, but never by more than the two units of the error.
   */
  @Test
  void exponentialGrowsAcrossTheClampsAndTheReductionsSeams() {
    List<Float> seams = new ArrayList<>(List.of(LOWEST, -87.33655f, HIGHEST, 88.37626f));
    for (int n = -126; n < 127; n++) {
      seams.add((float) ((n + 0.5) * Math.log(2)));
    }
    for (float seam : seams) {
      float x = seam;
      for (int i = 0; i < 50; i++) {
        x = Math.nextDown(x);
      }
      for (int i = 0; i < 100; i++) {
        float next = Math.nextUp(x);
        float before = VectorMath.exp(x);
        float after = VectorMath.exp(next);
        assertTrue(
            after >= before - 2 * Math.ulp(before),
            "exp %s = %s, exp %s = %s".formatted(x, before, next, after));
        x = next;
      }
    }
  }

  /** A soft cap is far from most scores, so what is small must keep its relative accuracy. */
  @Test
  void tangentErrsByAtMostFourUnitsInTheLastPlace() {
    double worst = 0;
    float at = 0;
    List<Float> inputs = sweep();
    inputs.addAll(List.of(0.625f, Math.nextDown(0.625f), -0.625f, 1e30f, -1e30f, 1e-30f));
    for (float x : inputs) {
      double exact = StrictMath.tanh(x);
      double error = Math.abs(VectorMath.tanh(x) - exact) / Math.ulp((float) exact);
      if (!(error <= worst)) {
        worst = error;
        at = x;
      }
    }
    assertTrue(worst <= 4, "%.3f units in the last place at x = %s".formatted(worst, at));
    assertEquals(1f, VectorMath.tanh(Float.POSITIVE_INFINITY));
    assertEquals(-1f, VectorMath.tanh(Float.NEGATIVE_INFINITY));
    assertTrue(Float.isNaN(VectorMath.tanh(Float.NaN)));
  }

  @Test
  void lanesAreSummedInTheDocumentedOrder() {
    float[] v = {1e8f, 3f, -1e8f, 5f, 7f, 11f, 13f, 17f};
    float inOrder = ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
    assertEquals(inOrder, VectorMath.sum(FloatVector.fromArray(VectorMath.FLOATS, v, 0)));
  }

  /** Every 1/2048 of the range, and all floats near zero by powers of two. */
  private static List<Float> sweep() {
    List<Float> inputs = new ArrayList<>();
    for (int i = (int) (LOWEST * 2048); i <= (int) (HIGHEST * 2048); i++) {
      inputs.add(i / 2048f);
      inputs.add(Math.nextUp((i + 0.37f) / 2048f));
    }
    for (int exponent = -40; exponent <= 0; exponent++) {
      for (int step = 0; step < 64; step++) {
        float x = (float) Math.scalb(1 + step / 64.0, exponent);
        inputs.add(x);
        inputs.add(-x);
      }
    }
    inputs.removeIf(x -> x < LOWEST || x > HIGHEST);
    return inputs;
  }
}
