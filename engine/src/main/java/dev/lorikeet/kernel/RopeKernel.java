package dev.lorikeet.kernel;

import static dev.lorikeet.kernel.VectorMath.FLOATS;
import static dev.lorikeet.kernel.VectorMath.LANES;
import static dev.lorikeet.kernel.VectorMath.get;
import static dev.lorikeet.kernel.VectorMath.getInt;
import static dev.lorikeet.kernel.VectorMath.load;
import static dev.lorikeet.kernel.VectorMath.set;
import static dev.lorikeet.kernel.VectorMath.store;

import dev.lorikeet.kernel.Kernels.Rotation;
import dev.lorikeet.torch.CpuDevice;
import dev.lorikeet.torch.Tensor;
import jdk.incubator.vector.FloatVector;

/**
 * Rotary position embedding (Su et al. 2021) in the half-split layout of Hugging Face's Llama: for
 * every head, (a, b) → (a·cos − b·sin, b·cos + a·sin). Columns of a head beyond the tables' stay as
 * they are. The backward pass turns the other way.
 */
final class RopeKernel {
  private static final int ROW_GRAIN = 8;
  private final CpuDevice device;

  RopeKernel(CpuDevice device) {
    this.device = device;
  }

  void rotate(Tensor x, int headDim, Tensor cos, Tensor sin, Tensor positions, Rotation rotation) {
    int half = Math.toIntExact(cos.size(1));
    int heads = Math.toIntExact(x.size(1) / headDim);
    float direction = rotation == Rotation.FORWARD ? 1f : -1f;
    long tableRows = cos.size(0);
    long xAt = x.address();
    long cosAt = cos.address();
    long sinAt = sin.address();
    long positionsAt = positions.address();
    device.forRange(
        Math.toIntExact(x.size(0)),
        ROW_GRAIN,
        (from, to) -> {
          for (int t = from; t < to; t++) {
            int position = getInt(positionsAt + 4L * t);
            if (position < 0 || position >= tableRows) {
              throw new IllegalStateException(
                  "position " + position + " of a table with " + tableRows);
            }
            long table = 4L * position * half;
            for (int head = 0; head < heads; head++) {
              long at = xAt + 4L * ((long) t * heads + head) * headDim;
              rotateHead(at, cosAt + table, sinAt + table, half, direction);
            }
          }
        });
  }

  private static void rotateHead(long x, long cos, long sin, int half, float direction) {
    long upper = x + 4L * half;
    FloatVector turn = FloatVector.broadcast(FLOATS, direction);
    int i = 0;
    for (; i + LANES <= half; i += LANES) {
      FloatVector a = load(x + 4L * i);
      FloatVector b = load(upper + 4L * i);
      FloatVector c = load(cos + 4L * i);
      FloatVector s = load(sin + 4L * i).mul(turn);
      store(a.mul(c).sub(b.mul(s)), x + 4L * i);
      store(b.mul(c).add(a.mul(s)), upper + 4L * i);
    }
    for (; i < half; i++) {
      float a = get(x + 4L * i);
      float b = get(upper + 4L * i);
      float c = get(cos + 4L * i);
      float s = get(sin + 4L * i) * direction;
      set(x + 4L * i, a * c - b * s);
      set(upper + 4L * i, b * c + a * s);
    }
  }
}
