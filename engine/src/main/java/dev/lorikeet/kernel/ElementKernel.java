package dev.lorikeet.kernel;

import static dev.lorikeet.kernel.VectorMath.FLOATS;
import static dev.lorikeet.kernel.VectorMath.INTS;
import static dev.lorikeet.kernel.VectorMath.LANES;
import static dev.lorikeet.kernel.VectorMath.get;
import static dev.lorikeet.kernel.VectorMath.getInt;
import static dev.lorikeet.kernel.VectorMath.load;
import static dev.lorikeet.kernel.VectorMath.set;
import static dev.lorikeet.kernel.VectorMath.store;

import dev.lorikeet.kernel.Kernels.Into;
import dev.lorikeet.torch.CpuDevice;
import dev.lorikeet.torch.Tensor;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/** Element by element: addition, scaling, dropout and sums of squares. */
final class ElementKernel {
  /** Rows of a half-precision matrix that are float32 at one time. */
  private static final long ROWS_AT_ONCE = 256;

  private static final int GRAIN = 4096;
  private static final int ROW_GRAIN = 8;
  private final CpuDevice device;

  ElementKernel(CpuDevice device) {
    this.device = device;
  }

  void add(Tensor x, Tensor target) {
    long xAt = x.address();
    long targetAt = target.address();
    device.forRange(
        Math.toIntExact(target.elements()), GRAIN, (from, to) -> addRange(xAt, targetAt, from, to));
  }

  void scale(Tensor target, float factor) {
    long targetAt = target.address();
    device.forRange(
        Math.toIntExact(target.elements()),
        GRAIN,
        (from, to) -> CrossEntropyKernel.multiply(targetAt + 4L * from, factor, to - from));
  }

  void dropout(Tensor x, DropoutMask mask, Tensor out, Into into) {
    int width = Math.toIntExact(x.size(1));
    long xAt = x.address();
    long outAt = out.address();
    long keysAt = mask.rowKeys().address();
    int threshold = mask.threshold();
    float keptScale = mask.keptScale();
    boolean add = into == Into.ADD;
    device.forRange(
        Math.toIntExact(x.size(0)),
        ROW_GRAIN,
        (from, to) -> {
          for (int t = from; t < to; t++) {
            long row = 4L * t * width;
            int key = getInt(keysAt + 4L * t);
            dropoutRow(xAt + row, outAt + row, width, key, threshold, keptScale, add);
          }
        });
  }

  double sumOfSquares(Tensor x) {
    return x.dtype().isHalf() ? sumOfHalfSquares(x) : sumOfFloatSquares(x);
  }

  private double sumOfHalfSquares(Tensor x) {
    double total = 0;
    for (long first = 0; first < x.size(0); first += ROWS_AT_ONCE) {
      try (Tensor rows = x.rows(first, Math.min(ROWS_AT_ONCE, x.size(0) - first));
          Tensor floats = rows.asFloats()) {
        total += sumOfFloatSquares(floats);
      }
    }
    return total;
  }

  private double sumOfFloatSquares(Tensor x) {
    int count = Math.toIntExact(x.elements());
    int chunks = Math.ceilDiv(count, GRAIN);
    double[] partial = new double[chunks];
    long xAt = x.address();
    device.forRange(
        chunks,
        1,
        (from, to) -> {
          for (int chunk = from; chunk < to; chunk++) {
            int begin = chunk * GRAIN;
            partial[chunk] = squares(xAt, begin, Math.min(count, begin + GRAIN));
          }
        });
    double total = 0;
    for (double part : partial) {
      total += part;
    }
    return total;
  }

  private static void addRange(long x, long target, int from, int to) {
    int i = from;
    for (; i + LANES <= to; i += LANES) {
      store(load(target + 4L * i).add(load(x + 4L * i)), target + 4L * i);
    }
    for (; i < to; i++) {
      set(target + 4L * i, get(target + 4L * i) + get(x + 4L * i));
    }
  }

  private static void dropoutRow(
      long x, long out, int width, int key, int threshold, float keptScale, boolean add) {
    IntVector lane = IntVector.zero(INTS).addIndex(1);
    int i = 0;
    for (; i + LANES <= width; i += LANES) {
      IntVector h = lane.add(i).mul(0x9E3779B9).lanewise(VectorOperators.XOR, key);
      h = h.lanewise(VectorOperators.XOR, h.lanewise(VectorOperators.LSHR, 16)).mul(0x21F0AAAD);
      h = h.lanewise(VectorOperators.XOR, h.lanewise(VectorOperators.LSHR, 15)).mul(0x735A2D97);
      h = h.lanewise(VectorOperators.XOR, h.lanewise(VectorOperators.LSHR, 15));
      VectorMask<Float> kept = h.compare(VectorOperators.UGE, threshold).cast(FLOATS);
      FloatVector scaled = load(x + 4L * i).mul(keptScale);
      FloatVector result = FloatVector.zero(FLOATS).blend(scaled, kept);
      store(add ? result.add(load(out + 4L * i)) : result, out + 4L * i);
    }
    for (; i < width; i++) {
      boolean kept = Integer.compareUnsigned(DropoutMask.hash(key, i), threshold) >= 0;
      float result = kept ? get(x + 4L * i) * keptScale : 0f;
      set(out + 4L * i, add ? result + get(out + 4L * i) : result);
    }
  }

  private static double squares(long x, int from, int to) {
    double total = 0;
    for (int i = from; i < to; i++) {
      double value = get(x + 4L * i);
      total += value * value;
    }
    return total;
  }
}
