package dev.lorikeet.kernel;

import static dev.lorikeet.kernel.VectorMath.FLOATS;
import static dev.lorikeet.kernel.VectorMath.LANES;
import static dev.lorikeet.kernel.VectorMath.get;
import static dev.lorikeet.kernel.VectorMath.load;
import static dev.lorikeet.kernel.VectorMath.set;
import static dev.lorikeet.kernel.VectorMath.store;

import dev.lorikeet.torch.CpuDevice;
import dev.lorikeet.torch.Tensor;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * Adafactor. Nothing of the parameter's size is kept: the direction u is computed twice, once for
 * its length and once to go along it.
 *
 * <p>Sums of squares are taken in float32 over {@link #PIECE} elements, or rows of one column, and
 * the pieces are added in double in their order.
 */
final class AdafactorKernel {
  private static final int PIECE = 256;
  private static final int PIECES = 16;
  private static final int COLUMNS = 128;

  private final CpuDevice device;

  AdafactorKernel(CpuDevice device) {
    this.device = device;
  }

  /** With a mean square of every element. */
  void update(Tensor parameter, Tensor gradient, Tensor square, AdafactorStep step) {
    int count = Math.toIntExact(parameter.elements());
    long p = parameter.address();
    long g = gradient.address();
    long v = square.address();
    double[] partial = new double[Math.ceilDiv(count, PIECE)];
    device.forRange(
        partial.length,
        PIECES,
        (from, to) -> {
          for (int piece = from; piece < to; piece++) {
            int begin = piece * PIECE;
            int end = Math.min(count, begin + PIECE);
            grow(g, v, begin, end, step);
            partial[piece] = squares(g + 4L * begin, v + 4L * begin, 1f, end - begin);
          }
        });
    float size = (float) -step.stepSize(total(partial), count);
    float decay = (float) step.decay();
    device.forRange(
        count,
        PIECE * PIECES,
        (from, to) -> {
          long at = 4L * from;
          move(p + at, g + at, v + at, 1f, decay, size, to - from);
        });
  }

  /** With mean squares of rows and columns. */
  void update(
      Tensor parameter,
      Tensor gradient,
      Tensor rowSquare,
      Tensor columnSquare,
      AdafactorStep step) {
    int rows = Math.toIntExact(parameter.size(0));
    int columns = Math.toIntExact(parameter.size(1));
    long p = parameter.address();
    long g = gradient.address();
    long c = columnSquare.address();
    growColumns(g, c, rows, columns, step);
    growRows(g, rowSquare.address(), rows, columns, step);
    float[] rowScales = rowScales(rowSquare.toFloats());
    double[] partial = new double[rows];
    int grain = Math.max(1, PIECE * PIECES / Math.max(1, columns));
    device.forRange(
        rows,
        grain,
        (from, to) -> {
          for (int row = from; row < to; row++) {
            partial[row] = squares(g + 4L * row * columns, c, rowScales[row], columns);
          }
        });
    float size = (float) -step.stepSize(total(partial), (long) rows * columns);
    float decay = (float) step.decay();
    device.forRange(
        rows,
        grain,
        (from, to) -> {
          for (int row = from; row < to; row++) {
            long at = 4L * row * columns;
            move(p + at, g + at, c, rowScales[row], decay, size, columns);
          }
        });
  }

  /** √(mean(r) / r) of every row. */
  private static float[] rowScales(float[] rowSquares) {
    double sum = 0;
    for (float square : rowSquares) {
      sum += square;
    }
    double mean = sum / rowSquares.length;
    float[] scales = new float[rowSquares.length];
    for (int row = 0; row < scales.length; row++) {
      scales[row] = (float) Math.sqrt(mean / rowSquares[row]);
    }
    return scales;
  }

  private static double total(double[] partial) {
    double total = 0;
    for (double part : partial) {
      total += part;
    }
    return total;
  }

  /** v ← β₂v + (1−β₂)(g² + ε). */
  private static void grow(long g, long v, int from, int to, AdafactorStep step) {
    float kept = (float) step.beta2();
    float fresh = (float) (1 - step.beta2());
    float epsilon = (float) AdafactorStep.EPSILON;
    int i = from;
    for (; i + LANES <= to; i += LANES) {
      FloatVector gradient = load(g + 4L * i);
      FloatVector added = gradient.mul(gradient).add(epsilon).mul(fresh);
      store(load(v + 4L * i).mul(kept).add(added), v + 4L * i);
    }
    for (; i < to; i++) {
      float gradient = get(g + 4L * i);
      set(v + 4L * i, get(v + 4L * i) * kept + (gradient * gradient + epsilon) * fresh);
    }
  }

  private void growRows(long g, long r, int rows, int columns, AdafactorStep step) {
    device.forRange(
        rows,
        Math.max(1, PIECE * PIECES / Math.max(1, columns)),
        (from, to) -> {
          for (int row = from; row < to; row++) {
            double mean = squares(g + 4L * row * columns, columns) / columns;
            set(r + 4L * row, grown(get(r + 4L * row), mean, step));
          }
        });
  }

  private void growColumns(long g, long c, int rows, int columns, AdafactorStep step) {
    device.forRange(
        columns,
        COLUMNS,
        (from, to) -> {
          double[] sums = new double[to - from];
          float[] piece = new float[to - from];
          for (int row = 0; row < rows; row++) {
            addSquares(g + 4L * ((long) row * columns + from), piece);
            if ((row + 1) % PIECE == 0 || row + 1 == rows) {
              for (int j = 0; j < sums.length; j++) {
                sums[j] += piece[j];
              }
              Arrays.fill(piece, 0f);
            }
          }
          for (int j = 0; j < sums.length; j++) {
            long at = c + 4L * (from + j);
            set(at, grown(get(at), sums[j] / rows, step));
          }
        });
  }

  private static float grown(float state, double meanSquare, AdafactorStep step) {
    double added = (1 - step.beta2()) * (meanSquare + AdafactorStep.EPSILON);
    return (float) (step.beta2() * state + added);
  }

  private static void addSquares(long g, float[] sums) {
    int j = 0;
    for (; j + LANES <= sums.length; j += LANES) {
      FloatVector gradient = load(g + 4L * j);
      FloatVector.fromArray(FLOATS, sums, j).add(gradient.mul(gradient)).intoArray(sums, j);
    }
    for (; j < sums.length; j++) {
      float gradient = get(g + 4L * j);
      sums[j] += gradient * gradient;
    }
  }

  /** Σ g². */
  private static double squares(long g, int count) {
    double total = 0;
    for (int begin = 0; begin < count; begin += PIECE) {
      int end = Math.min(count, begin + PIECE);
      FloatVector sums = FloatVector.zero(FLOATS);
      float tail = 0f;
      int i = begin;
      for (; i + LANES <= end; i += LANES) {
        FloatVector gradient = load(g + 4L * i);
        sums = sums.add(gradient.mul(gradient));
      }
      for (; i < end; i++) {
        float gradient = get(g + 4L * i);
        tail += gradient * gradient;
      }
      total += (double) VectorMath.sum(sums) + tail;
    }
    return total;
  }

  /** Σ (scale·g/√v)². */
  private static double squares(long g, long v, float scale, int count) {
    double total = 0;
    for (int begin = 0; begin < count; begin += PIECE) {
      int end = Math.min(count, begin + PIECE);
      FloatVector sums = FloatVector.zero(FLOATS);
      float tail = 0f;
      int i = begin;
      for (; i + LANES <= end; i += LANES) {
        FloatVector u = load(g + 4L * i).mul(scale).div(load(v + 4L * i).sqrt());
        sums = sums.add(u.mul(u));
      }
      for (; i < end; i++) {
        float u = get(g + 4L * i) * scale / (float) Math.sqrt(get(v + 4L * i));
        tail += u * u;
      }
      total += (double) VectorMath.sum(sums) + tail;
    }
    return total;
  }

  /** p ← decay·p + size·scale·g/√v. */
  private static void move(
      long p, long g, long v, float scale, float decay, float size, int count) {
    int i = 0;
    for (; i + LANES <= count; i += LANES) {
      long at = 4L * i;
      FloatVector u = load(g + at).mul(scale).div(load(v + at).sqrt());
      store(load(p + at).mul(decay).add(u.mul(size)), p + at);
    }
    for (; i < count; i++) {
      long at = 4L * i;
      float u = get(g + at) * scale / (float) Math.sqrt(get(v + at));
      set(p + at, get(p + at) * decay + u * size);
    }
  }
}
