package dev.lorikeet.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Vector arithmetic with one result, interpreted or compiled, vector or scalar: fixed-order sums
 * and an exponential of multiplications and fused additions only.
 *
 * <p>Eight lanes on every machine, so that a wider processor sums in the same order.
 */
final class VectorMath {
  static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_256;
  static final VectorSpecies<Integer> INTS = IntVector.SPECIES_256;
  static final int LANES = FLOATS.length();
  static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT;

  /** All host memory: kernels address tensors by their own addresses. */
  private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

  private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;
  private static final VectorShuffle<Float> SHIFT_4 = FLOATS.iotaShuffle(4, 1, true);
  private static final VectorShuffle<Float> SHIFT_2 = FLOATS.iotaShuffle(2, 1, true);
  private static final VectorShuffle<Float> SHIFT_1 = FLOATS.iotaShuffle(1, 1, true);

  private static final float LOG2_E = 1.442695f;
  private static final float LN2_HIGH = 0.6933594f;
  private static final float LN2_LOW = -2.12194440e-4f;
  private static final float ROUND = 12582912f; // 1.5 · 2²³: adding it rounds to an integer
  private static final float EXP_MAX = 88.37626f;
  private static final float EXP_MIN = -87.33655f;
  private static final float P0 = 1.9875691e-4f;
  private static final float P1 = 1.3981999e-3f;
  private static final float P2 = 8.333452e-3f;
  private static final float P3 = 4.1665796e-2f;
  private static final float P4 = 1.6666666e-1f;
  private static final float P5 = 5.0e-1f;
  private static final float TANH_NEAR_ZERO = 0.625f;
  private static final float T0 = -5.7049887e-3f;
  private static final float T1 = 2.0639088e-2f;
  private static final float T2 = -5.3739715e-2f;
  private static final float T3 = 1.3331442e-1f;
  private static final float T4 = -0.3333328f;
  private static final float ERF_MAX = 4f;
  private static final float[] ERF_P = {
    -2.7261424E-10f,
    2.7706815E-8f,
    -2.101024E-6f,
    -5.6925062E-5f,
    -7.3499064E-4f,
    -2.9546E-3f,
    -1.6096033E-2f
  };
  private static final float[] ERF_Q = {
    -1.45660715E-5f, -2.1337405E-4f, -1.682827E-3f, -7.3733293E-3f, -1.4264739E-2f
  };
  private static final int EXPONENT_BIAS = 127;
  private static final int MANTISSA_BITS = 23;

  private VectorMath() {}

  static FloatVector load(long address) {
    return FloatVector.fromMemorySegment(FLOATS, MEMORY, address, ORDER);
  }

  static IntVector loadInts(long address) {
    return IntVector.fromMemorySegment(INTS, MEMORY, address, ORDER);
  }

  static void store(FloatVector vector, long address) {
    vector.intoMemorySegment(MEMORY, address, ORDER);
  }

  static float get(long address) {
    return MEMORY.get(ValueLayout.JAVA_FLOAT_UNALIGNED, address);
  }

  static void set(long address, float value) {
    MEMORY.set(ValueLayout.JAVA_FLOAT_UNALIGNED, address, value);
  }

  static byte getByte(long address) {
    return MEMORY.get(ValueLayout.JAVA_BYTE, address);
  }

  /** Eight signed bytes as floats. */
  static FloatVector loadBytes(long address) {
    ByteVector bytes = ByteVector.fromMemorySegment(ByteVector.SPECIES_64, MEMORY, address, ORDER);
    return (FloatVector) bytes.convertShape(VectorOperators.B2F, FLOATS, 0);
  }

  static void setByte(long address, byte value) {
    MEMORY.set(ValueLayout.JAVA_BYTE, address, value);
  }

  static int getInt(long address) {
    return MEMORY.get(ValueLayout.JAVA_INT_UNALIGNED, address);
  }

  /** Copies {@code count} floats. */
  static void copy(long from, long to, long count) {
    MemorySegment.copy(MEMORY, from, MEMORY, to, count * Float.BYTES);
  }

  /** Zeroes {@code count} floats. */
  static void zero(long address, long count) {
    MEMORY.asSlice(address, count * Float.BYTES).fill((byte) 0);
  }

  /** ((0+4)+(2+6)) + ((1+5)+(3+7)): the lanes of {@code v} in this order. */
  static float sum(FloatVector v) {
    FloatVector four = v.add(v.rearrange(SHIFT_4));
    FloatVector two = four.add(four.rearrange(SHIFT_2));
    return two.add(two.rearrange(SHIFT_1)).lane(0);
  }

  /** eˣ within 2 units in the last place for −87.3 ≤ x ≤ 88.3 (Cephes' expf); clamped outside. */
  static FloatVector exp(FloatVector x) {
    FloatVector clamped = x.max(EXP_MIN).min(EXP_MAX);
    FloatVector n = clamped.mul(LOG2_E).add(ROUND).sub(ROUND);
    FloatVector r = n.fma(FloatVector.broadcast(FLOATS, -LN2_HIGH), clamped);
    r = n.fma(FloatVector.broadcast(FLOATS, -LN2_LOW), r);
    FloatVector p = FloatVector.broadcast(FLOATS, P0);
    p = p.fma(r, FloatVector.broadcast(FLOATS, P1));
    p = p.fma(r, FloatVector.broadcast(FLOATS, P2));
    p = p.fma(r, FloatVector.broadcast(FLOATS, P3));
    p = p.fma(r, FloatVector.broadcast(FLOATS, P4));
    p = p.fma(r, FloatVector.broadcast(FLOATS, P5));
    p = p.fma(r.mul(r), r).add(1f);
    IntVector exponent =
        ((IntVector) n.convert(VectorOperators.F2I, 0))
            .add(EXPONENT_BIAS)
            .lanewise(VectorOperators.LSHL, MANTISSA_BITS);
    return p.mul(exponent.reinterpretAsFloats());
  }

  /** The same steps for one number. */
  static float exp(float x) {
    float clamped = Math.min(Math.max(x, EXP_MIN), EXP_MAX);
    float n = clamped * LOG2_E + ROUND - ROUND;
    float r = Math.fma(n, -LN2_HIGH, clamped);
    r = Math.fma(n, -LN2_LOW, r);
    float p = Math.fma(P0, r, P1);
    p = Math.fma(p, r, P2);
    p = Math.fma(p, r, P3);
    p = Math.fma(p, r, P4);
    p = Math.fma(p, r, P5);
    p = Math.fma(p, r * r, r) + 1f;
    return p * Float.intBitsToFloat(((int) n + EXPONENT_BIAS) << MANTISSA_BITS);
  }

  /**
   * Hyperbolic tangent within 4 units in the last place: 1 − 2/(e²ˣ + 1), and near zero, where that
   * cancels, x + x³·p(x²) (Cephes' tanhf).
   */
  static float tanh(float x) {
    float size = Math.abs(x);
    if (size >= TANH_NEAR_ZERO) {
      return Math.copySign(1f - 2f / (exp(2 * size) + 1f), x);
    }
    float z = x * x;
    float p = Math.fma(T0, z, T1);
    p = Math.fma(p, z, T2);
    p = Math.fma(p, z, T3);
    p = Math.fma(p, z, T4);
    return Math.fma(p * z, x, x);
  }

  /** The same steps for eight numbers. */
  static FloatVector tanh(FloatVector x) {
    FloatVector size = x.abs();
    FloatVector far =
        FloatVector.broadcast(FLOATS, 2f).div(exp(size.add(size)).add(1f)).neg().add(1f);
    far = far.blend(far.neg(), x.lt(0f));
    FloatVector z = x.mul(x);
    FloatVector p = FloatVector.broadcast(FLOATS, T0);
    p = p.fma(z, FloatVector.broadcast(FLOATS, T1));
    p = p.fma(z, FloatVector.broadcast(FLOATS, T2));
    p = p.fma(z, FloatVector.broadcast(FLOATS, T3));
    p = p.fma(z, FloatVector.broadcast(FLOATS, T4));
    FloatVector near = p.mul(z).fma(x, x);
    return near.blend(far, size.compare(VectorOperators.GE, TANH_NEAR_ZERO));
  }

  /**
   * Error function within 4 units in the last place: x·p(x²)/q(x²), the rational approximation of
   * Eigen's {@code erf<float>}; clamped to ±4, where it is ±1.
   */
  static FloatVector erf(FloatVector x) {
    FloatVector c = x.max(-ERF_MAX).min(ERF_MAX);
    FloatVector z = c.mul(c);
    FloatVector p = FloatVector.broadcast(FLOATS, ERF_P[0]);
    for (int i = 1; i < ERF_P.length; i++) {
      p = p.fma(z, FloatVector.broadcast(FLOATS, ERF_P[i]));
    }
    FloatVector q = FloatVector.broadcast(FLOATS, ERF_Q[0]);
    for (int i = 1; i < ERF_Q.length; i++) {
      q = q.fma(z, FloatVector.broadcast(FLOATS, ERF_Q[i]));
    }
    return c.mul(p).div(q);
  }

  /** The same steps for one number. */
  static float erf(float x) {
    float c = Math.min(Math.max(x, -ERF_MAX), ERF_MAX);
    float z = c * c;
    float p = ERF_P[0];
    for (int i = 1; i < ERF_P.length; i++) {
      p = Math.fma(p, z, ERF_P[i]);
    }
    float q = ERF_Q[0];
    for (int i = 1; i < ERF_Q.length; i++) {
      q = Math.fma(q, z, ERF_Q[i]);
    }
    return c * p / q;
  }
}
