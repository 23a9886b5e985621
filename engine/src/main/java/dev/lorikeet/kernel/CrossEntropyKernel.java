package dev.lorikeet.kernel;

import static dev.lorikeet.kernel.VectorMath.FLOATS;
import static dev.lorikeet.kernel.VectorMath.LANES;
import static dev.lorikeet.kernel.VectorMath.get;
import static dev.lorikeet.kernel.VectorMath.getInt;
import static dev.lorikeet.kernel.VectorMath.load;
import static dev.lorikeet.kernel.VectorMath.set;
import static dev.lorikeet.kernel.VectorMath.store;

import dev.lorikeet.torch.CpuDevice;
import dev.lorikeet.torch.Tensor;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/** Cross-entropy of rows of logits: max + log Σ e^(x − max) − x[label]. */
final class CrossEntropyKernel {
  private static final int ROW_GRAIN = 1;
  private final CpuDevice device;

  CrossEntropyKernel(CpuDevice device) {
    this.device = device;
  }

  void losses(Tensor logits, Tensor labels, Tensor losses) {
    int width = Math.toIntExact(logits.size(1));
    long logitsAt = logits.address();
    long labelsAt = labels.address();
    long lossesAt = losses.address();
    device.forRange(
        Math.toIntExact(logits.size(0)),
        ROW_GRAIN,
        (from, to) -> {
          for (int t = from; t < to; t++) {
            long row = logitsAt + 4L * t * width;
            float max = max(row, width);
            float sum = sumOfExponentials(row, max, width);
            set(lossesAt + 4L * t, loss(row, labelOf(labelsAt, t, width), max, sum));
          }
        });
  }

  void lossesAndGradient(Tensor logits, Tensor labels, Tensor losses, float scale) {
    int width = Math.toIntExact(logits.size(1));
    long logitsAt = logits.address();
    long labelsAt = labels.address();
    long lossesAt = losses.address();
    device.forRange(
        Math.toIntExact(logits.size(0)),
        ROW_GRAIN,
        (from, to) -> {
          for (int t = from; t < to; t++) {
            long row = logitsAt + 4L * t * width;
            int label = labelOf(labelsAt, t, width);
            float max = max(row, width);
            float atLabel = get(row + 4L * label);
            float sum = exponentiate(row, max, width);
            set(lossesAt + 4L * t, (float) (StrictMath.log(sum) + max - atLabel));
            multiply(row, scale / sum, width);
            set(row + 4L * label, get(row + 4L * label) - scale);
          }
        });
  }

  void labelIsLargest(Tensor logits, Tensor labels, Tensor hits) {
    int width = Math.toIntExact(logits.size(1));
    long logitsAt = logits.address();
    long labelsAt = labels.address();
    long hitsAt = hits.address();
    device.forRange(
        Math.toIntExact(logits.size(0)),
        ROW_GRAIN,
        (from, to) -> {
          for (int t = from; t < to; t++) {
            long row = logitsAt + 4L * t * width;
            int label = labelOf(labelsAt, t, width);
            float value = get(row + 4L * label);
            boolean hit = value == max(row, width) && (label == 0 || max(row, label) < value);
            set(hitsAt + 4L * t, hit ? 1f : 0f);
          }
        });
  }

  private static int labelOf(long labels, int t, int width) {
    int label = getInt(labels + 4L * t);
    if (label < 0 || label >= width) {
      throw new IllegalStateException("label " + label + " of " + width + " logits");
    }
    return label;
  }

  private static float loss(long row, int label, float max, float sum) {
    return (float) (StrictMath.log(sum) + max - get(row + 4L * label));
  }

  static float max(long row, int width) {
    FloatVector largest = FloatVector.broadcast(FLOATS, Float.NEGATIVE_INFINITY);
    int i = 0;
    for (; i + LANES <= width; i += LANES) {
      largest = largest.max(load(row + 4L * i));
    }
    float max = largest.reduceLanes(VectorOperators.MAX);
    for (; i < width; i++) {
      max = Math.max(max, get(row + 4L * i));
    }
    return max;
  }

  private static float sumOfExponentials(long row, float max, int width) {
    FloatVector sums = FloatVector.zero(FLOATS);
    int i = 0;
    for (; i + LANES <= width; i += LANES) {
      sums = sums.add(VectorMath.exp(load(row + 4L * i).sub(max)));
    }
    float sum = VectorMath.sum(sums);
    for (; i < width; i++) {
      sum += VectorMath.exp(get(row + 4L * i) - max);
    }
    return sum;
  }

  /** row = e^(row − max); returns the sum. */
  static float exponentiate(long row, float max, int width) {
    FloatVector sums = FloatVector.zero(FLOATS);
    int i = 0;
    for (; i + LANES <= width; i += LANES) {
      FloatVector e = VectorMath.exp(load(row + 4L * i).sub(max));
      store(e, row + 4L * i);
      sums = sums.add(e);
    }
    float sum = VectorMath.sum(sums);
    for (; i < width; i++) {
      float e = VectorMath.exp(get(row + 4L * i) - max);
      set(row + 4L * i, e);
      sum += e;
    }
    return sum;
  }

  static void multiply(long row, float factor, int width) {
    int i = 0;
    for (; i + LANES <= width; i += LANES) {
      store(load(row + 4L * i).mul(factor), row + 4L * i);
    }
    for (; i < width; i++) {
      set(row + 4L * i, get(row + 4L * i) * factor);
    }
  }
}
