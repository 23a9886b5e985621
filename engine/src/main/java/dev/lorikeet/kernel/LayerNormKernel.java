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
 * Layer normalisation (Ba et al. 2016) without its bias: y = z·w with z = (x − μ)·r, r = 1/√(σ² +
 * ε), σ² the mean of squares around μ.
 *
 * <p>Backward, with g = w·dy: dx = r·(g − mean(g) − z·mean(g·z)); dw = Σ dy·z.
 */
final class LayerNormKernel {
  private static final int ROW_GRAIN = 8;
  private static final int COLUMN_GRAIN = 64;
  private final CpuDevice device;

  LayerNormKernel(CpuDevice device) {
    this.device = device;
  }

  void forward(Tensor x, Tensor weight, double eps, Tensor y, Tensor moments) {
    int width = Math.toIntExact(weight.elements());
    long xAt = x.address();
    long weightAt = weight.address();
    long yAt = y.address();
    long momentsAt = moments.address();
    device.forRange(
        Math.toIntExact(x.elements() / width),
        ROW_GRAIN,
        (from, to) -> {
          for (int t = from; t < to; t++) {
            long row = 4L * t * width;
            float mean = sum(xAt + row, width) / width;
            float variance = squares(xAt + row, mean, width) / width;
            float r = (float) (1.0 / Math.sqrt(variance + eps));
            set(momentsAt + 8L * t, mean);
            set(momentsAt + 8L * t + 4, r);
            forwardRow(xAt + row, weightAt, yAt + row, width, mean, r);
          }
        });
  }

  void backward(Tensor dy, Tensor x, Tensor weight, Tensor moments, Tensor dx, Into into) {
    int width = Math.toIntExact(weight.elements());
    long dyAt = dy.address();
    long xAt = x.address();
    long weightAt = weight.address();
    long momentsAt = moments.address();
    long dxAt = dx.address();
    device.forRange(
        Math.toIntExact(x.elements() / width),
        ROW_GRAIN,
        (from, to) -> {
          for (int t = from; t < to; t++) {
            long row = 4L * t * width;
            float mean = get(momentsAt + 8L * t);
            float r = get(momentsAt + 8L * t + 4);
            float g = NormKernel.dot(dyAt + row, weightAt, width) / width;
            float gz = products(dyAt + row, weightAt, xAt + row, mean, width) * r / width;
            Row change = new Row(mean, r, g, gz, into);
            change.write(dyAt + row, weightAt, xAt + row, dxAt + row, width);
          }
        });
  }

  void weightGradient(Tensor dy, Tensor x, Tensor moments, Tensor dWeight) {
    int width = Math.toIntExact(dWeight.elements());
    int count = Math.toIntExact(x.elements() / width);
    long dyAt = dy.address();
    long xAt = x.address();
    long momentsAt = moments.address();
    long dWeightAt = dWeight.address();
    device.forRange(
        width,
        COLUMN_GRAIN,
        (from, to) -> {
          for (int t = 0; t < count; t++) {
            long row = 4L * t * width;
            float mean = get(momentsAt + 8L * t);
            float r = get(momentsAt + 8L * t + 4);
            weightGradientRow(dyAt + row, xAt + row, dWeightAt, from, to, mean, r);
          }
        });
  }

  private static float sum(long x, int count) {
    FloatVector lanes = FloatVector.zero(FLOATS);
    int i = 0;
    for (; i + LANES <= count; i += LANES) {
      lanes = lanes.add(load(x + 4L * i));
    }
    float total = VectorMath.sum(lanes);
    for (; i < count; i++) {
      total += get(x + 4L * i);
    }
    return total;
  }

  /** Σ (x − mean)². */
  private static float squares(long x, float mean, int count) {
    FloatVector lanes = FloatVector.zero(FLOATS);
    int i = 0;
    for (; i + LANES <= count; i += LANES) {
      FloatVector centred = load(x + 4L * i).sub(mean);
      lanes = centred.fma(centred, lanes);
    }
    float total = VectorMath.sum(lanes);
    for (; i < count; i++) {
      float centred = get(x + 4L * i) - mean;
      total = Math.fma(centred, centred, total);
    }
    return total;
  }

  /** Σ a·b·(x − mean). */
  private static float products(long a, long b, long x, float mean, int count) {
    FloatVector lanes = FloatVector.zero(FLOATS);
    int i = 0;
    for (; i + LANES <= count; i += LANES) {
      FloatVector g = load(a + 4L * i).mul(load(b + 4L * i));
      lanes = load(x + 4L * i).sub(mean).fma(g, lanes);
    }
    float total = VectorMath.sum(lanes);
    for (; i < count; i++) {
      total = Math.fma(get(x + 4L * i) - mean, get(a + 4L * i) * get(b + 4L * i), total);
    }
    return total;
  }

  private static void forwardRow(long x, long weight, long y, int width, float mean, float r) {
    int i = 0;
    for (; i + LANES <= width; i += LANES) {
      store(load(x + 4L * i).sub(mean).mul(r).mul(load(weight + 4L * i)), y + 4L * i);
    }
    for (; i < width; i++) {
      set(y + 4L * i, (get(x + 4L * i) - mean) * r * get(weight + 4L * i));
    }
  }

  /** Means of a row, for its gradient. */
  private record Row(float mean, float r, float g, float gz, Into into) {

    void write(long dy, long weight, long x, long dx, int width) {
      boolean add = into == Into.ADD;
      int i = 0;
      for (; i + LANES <= width; i += LANES) {
        FloatVector z = load(x + 4L * i).sub(mean).mul(r);
        FloatVector own = load(dy + 4L * i).mul(load(weight + 4L * i)).sub(g);
        FloatVector result = own.sub(z.mul(gz)).mul(r);
        store(add ? result.add(load(dx + 4L * i)) : result, dx + 4L * i);
      }
      for (; i < width; i++) {
        float z = (get(x + 4L * i) - mean) * r;
        float result = (get(dy + 4L * i) * get(weight + 4L * i) - g - z * gz) * r;
        set(dx + 4L * i, add ? result + get(dx + 4L * i) : result);
      }
    }
  }

  private static void weightGradientRow(
      long dy, long x, long dWeight, int from, int to, float mean, float r) {
    int i = from;
    for (; i + LANES <= to; i += LANES) {
      FloatVector term = load(x + 4L * i).sub(mean).mul(r).mul(load(dy + 4L * i));
      store(load(dWeight + 4L * i).add(term), dWeight + 4L * i);
    }
    for (; i < to; i++) {
      float term = (get(x + 4L * i) - mean) * r * get(dy + 4L * i);
      set(dWeight + 4L * i, get(dWeight + 4L * i) + term);
    }
  }
}
