package dev.lorikeet.kernel;

import static dev.lorikeet.kernel.VectorMath.FLOATS;
import static dev.lorikeet.kernel.VectorMath.LANES;
import static dev.lorikeet.kernel.VectorMath.get;
import static dev.lorikeet.kernel.VectorMath.getByte;
import static dev.lorikeet.kernel.VectorMath.load;
import static dev.lorikeet.kernel.VectorMath.set;
import static dev.lorikeet.kernel.VectorMath.setByte;
import static dev.lorikeet.kernel.VectorMath.store;

import dev.lorikeet.torch.CpuDevice;
import dev.lorikeet.torch.Tensor;
import jdk.incubator.vector.FloatVector;

/**
 * AdamW with states of 8 bits, a block of {@link QuantizedMoments#BLOCK} elements at a time: codes
 * become float32, the update is that of float32 states, and the new states become codes over the
 * block's new largest magnitudes. The parameter takes the states before they are rounded.
 */
final class QuantizedAdamW {
  private static final int BLOCK = QuantizedMoments.BLOCK;
  private static final int GRAIN_BLOCKS = 8;

  private final CpuDevice device;

  QuantizedAdamW(CpuDevice device) {
    this.device = device;
  }

  void update(Tensor parameter, Tensor gradient, QuantizedMoments moments, AdamWStep step) {
    int count = Math.toIntExact(parameter.elements());
    long pAt = parameter.address();
    long gAt = gradient.address();
    State mean =
        new State(moments.mean().address(), moments.meanMax().address(), DynamicMap.SIGNED);
    State square =
        new State(moments.square().address(), moments.squareMax().address(), DynamicMap.UNSIGNED);
    device.forRange(
        Math.ceilDiv(count, BLOCK),
        GRAIN_BLOCKS,
        (from, to) -> {
          float[] m = new float[BLOCK];
          float[] v = new float[BLOCK];
          for (int block = from; block < to; block++) {
            int length = Math.min(BLOCK, count - block * BLOCK);
            long at = 4L * block * BLOCK;
            mean.decode(block, m, length);
            square.decode(block, v, length);
            updateBlock(pAt + at, gAt + at, m, v, length, step);
            mean.encode(block, m, length);
            square.encode(block, v, length);
          }
        });
  }

  private static void updateBlock(
      long p, long g, float[] m, float[] v, int length, AdamWStep step) {
    float beta1 = step.keptMean();
    float beta2 = step.keptSquare();
    float newMean = step.newMean();
    float newSquare = step.newSquare();
    float decay = step.decay();
    float stepSize = step.stepSize();
    float rootScale = step.rootScale();
    float epsilon = (float) step.epsilon();
    int i = 0;
    for (; i + LANES <= length; i += LANES) {
      long at = 4L * i;
      FloatVector gradient = load(g + at);
      FloatVector mean = FloatVector.fromArray(FLOATS, m, i).mul(beta1).add(gradient.mul(newMean));
      FloatVector square =
          FloatVector.fromArray(FLOATS, v, i).mul(beta2).add(gradient.mul(gradient).mul(newSquare));
      FloatVector root = square.sqrt().mul(rootScale).add(epsilon);
      mean.intoArray(m, i);
      square.intoArray(v, i);
      store(load(p + at).mul(decay).add(mean.div(root).mul(stepSize)), p + at);
    }
    for (; i < length; i++) {
      long at = 4L * i;
      float gradient = get(g + at);
      m[i] = m[i] * beta1 + gradient * newMean;
      v[i] = v[i] * beta2 + gradient * gradient * newSquare;
      float root = (float) Math.sqrt(v[i]) * rootScale + epsilon;
      set(p + at, get(p + at) * decay + m[i] / root * stepSize);
    }
  }

  /**
   * One of the two states.
   *
   * @param codes address of the codes
   * @param max address of the blocks' largest magnitudes
   */
  private record State(long codes, long max, DynamicMap map) {

    void decode(int block, float[] values, int length) {
      long at = codes + (long) block * BLOCK;
      float scale = get(max + 4L * block);
      for (int i = 0; i < length; i++) {
        values[i] = map.value(getByte(at + i)) * scale;
      }
    }

    void encode(int block, float[] values, int length) {
      long at = codes + (long) block * BLOCK;
      float scale = 0f;
      for (int i = 0; i < length; i++) {
        scale = Math.max(scale, Math.abs(values[i]));
      }
      set(max + 4L * block, scale);
      for (int i = 0; i < length; i++) {
        setByte(at + i, scale == 0 ? map.zero() : map.nearestOfSameSign(values[i] / scale));
      }
    }
  }
}
