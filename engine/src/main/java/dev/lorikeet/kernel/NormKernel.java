package dev.lorikeet.kernel;

import static dev.lorikeet.kernel.VectorMath.FLOATS;
import static dev.lorikeet.kernel.VectorMath.LANES;
import static dev.lorikeet.kernel.VectorMath.get;
import static dev.lorikeet.kernel.VectorMath.load;
import static dev.lorikeet.kernel.VectorMath.set;
import static dev.lorikeet.kernel.VectorMath.store;

import dev.lorikeet.kernel.Kernels.Into;
import dev.lorikeet.torch.CpuDevice;
import dev.lorikeet.torch.Tensor;
import jdk.incubator.vector.FloatVector;

/**
 * Root mean square normalisation (Zhang and Sennrich 2019): y = x·r·w, r = 1/√(mean(x²) + ε).
 *
 * <p>Backward, with g = w·dy: dx = r·g − x·r³·mean(g·x); dw = Σₜ dy·x·r.
 */
final class NormKernel {
  private static final int ROW_GRAIN = 8;
  private static final int COLUMN_GRAIN = 64;
  private final CpuDevice device;

  NormKernel(CpuDevice device) {
    this.device = device;
  }

  void forward(Tensor x, Tensor weight, double eps, Tensor y, Tensor rstd) {
    int width = Math.toIntExact(weight.elements());
    long xAt = x.address();
    long weightAt = weight.address();
    long yAt = y.address();
    long rstdAt = rstd.address();
    device.forRange(
        Math.toIntExact(x.elements() / width),
        ROW_GRAIN,
        (from, to) -> {
          for (int t = from; t < to; t++) {
            long row = 4L * t * width;
            float square = dot(xAt + row, xAt + row, width);
            float r = (float) (1.0 / Math.sqrt((double) square / width + eps));
            set(rstdAt + 4L * t, r);
            forwardRow(xAt + row, weightAt, yAt + row, width, r);
          }
        });
  }

  void backward(Tensor dy, Tensor x, Tensor weight, Tensor rstd, Tensor dx, Into into) {
    int width = Math.toIntExact(weight.elements());
    long dyAt = dy.address();
    long xAt = x.address();
    long weightAt = weight.address();
    long rstdAt = rstd.address();
    long dxAt = dx.address();
    float keep = into == Into.ADD ? 1f : 0f;
    device.forRange(
        Math.toIntExact(x.elements() / width),
        ROW_GRAIN,
        (from, to) -> {
          for (int t = from; t < to; t++) {
            long row = 4L * t * width;
            float r = get(rstdAt + 4L * t);
            float mean = dot3(dyAt + row, weightAt, xAt + row, width) / width;
            float xFactor = -r * r * r * mean;
            backwardRow(dyAt + row, weightAt, xAt + row, dxAt + row, width, r, xFactor, keep);
          }
        });
  }

  void weightGradient(Tensor dy, Tensor x, Tensor rstd, Tensor dWeight) {
    int width = Math.toIntExact(dWeight.elements());
    int count = Math.toIntExact(x.elements() / width);
    long dyAt = dy.address();
    long xAt = x.address();
    long rstdAt = rstd.address();
    long dWeightAt = dWeight.address();
    device.forRange(
        width,
        COLUMN_GRAIN,
        (from, to) -> {
          for (int t = 0; t < count; t++) {
            long row = 4L * t * width;
            weightGradientRow(dyAt + row, xAt + row, dWeightAt, from, to, get(rstdAt + 4L * t));
          }
        });
  }

  private static void forwardRow(long x, long weight, long y, int width, float r) {
    int i = 0;
    for (; i + LANES <= width; i += LANES) {
      store(load(x + 4L * i).mul(r).mul(load(weight + 4L * i)), y + 4L * i);
    }
    for (; i < width; i++) {
      set(y + 4L * i, get(x + 4L * i) * r * get(weight + 4L * i));
    }
  }

  /** dx = dy·w·r + x·xFactor (+ dx); with {@code keep} 0 the old dx is not read. */
  private static void backwardRow(
      long dy, long weight, long x, long dx, int width, float r, float xFactor, float keep) {
    int i = 0;
    FloatVector factor = FloatVector.broadcast(FLOATS, xFactor);
    boolean add = keep != 0f;
    for (; i + LANES <= width; i += LANES) {
      FloatVector g = load(dy + 4L * i).mul(load(weight + 4L * i)).mul(r);
      FloatVector result = load(x + 4L * i).fma(factor, g);
      store(add ? result.add(load(dx + 4L * i)) : result, dx + 4L * i);
    }
    for (; i < width; i++) {
      float g = get(dy + 4L * i) * get(weight + 4L * i) * r;
      float result = Math.fma(get(x + 4L * i), xFactor, g);
      set(dx + 4L * i, add ? result + get(dx + 4L * i) : result);
    }
  }

  private static void weightGradientRow(long dy, long x, long dWeight, int from, int to, float r) {
    int i = from;
    for (; i + LANES <= to; i += LANES) {
      FloatVector term = load(dy + 4L * i).mul(load(x + 4L * i)).mul(r);
      store(load(dWeight + 4L * i).add(term), dWeight + 4L * i);
    }
    for (; i < to; i++) {
      set(dWeight + 4L * i, get(dWeight + 4L * i) + get(dy + 4L * i) * get(x + 4L * i) * r);
    }
  }

  /** Σ aᵢ·bᵢ in two vectors of lanes, then the tail. */
  static float dot(long a, long b, int count) {
    FloatVector even = FloatVector.zero(FLOATS);
    FloatVector odd = FloatVector.zero(FLOATS);
    int i = 0;
    for (; i + 2 * LANES <= count; i += 2 * LANES) {
      even = load(a + 4L * i).fma(load(b + 4L * i), even);
      odd = load(a + 4L * (i + LANES)).fma(load(b + 4L * (i + LANES)), odd);
    }
    float total = VectorMath.sum(even.add(odd));
    for (; i < count; i++) {
      total = Math.fma(get(a + 4L * i), get(b + 4L * i), total);
    }
    return total;
  }

  private static float dot3(long a, long b, long c, int count) {
    FloatVector sum = FloatVector.zero(FLOATS);
    int i = 0;
    for (; i + LANES <= count; i += LANES) {
      sum = load(a + 4L * i).mul(load(b + 4L * i)).fma(load(c + 4L * i), sum);
    }
    float total = VectorMath.sum(sum);
    for (; i < count; i++) {
      total = Math.fma(get(a + 4L * i) * get(b + 4L * i), get(c + 4L * i), total);
    }
    return total;
  }
}
