package dev.lorikeet.kernel;

import static dev.lorikeet.kernel.VectorMath.LANES;
import static dev.lorikeet.kernel.VectorMath.get;
import static dev.lorikeet.kernel.VectorMath.load;
import static dev.lorikeet.kernel.VectorMath.set;
import static dev.lorikeet.kernel.VectorMath.store;

import dev.lorikeet.torch.CpuDevice;
import dev.lorikeet.torch.Tensor;
import jdk.incubator.vector.FloatVector;

/** A factor for every column. Sums are shared by columns: rows add in their order. */
final class ColumnKernel {
  private static final int ROW_GRAIN = 16;
  private static final int COLUMN_GRAIN = 64;
  private static final int ROWS_AT_ONCE = 4;
  private final CpuDevice device;

  ColumnKernel(CpuDevice device) {
    this.device = device;
  }

  void scale(Tensor factor, Tensor shift, Tensor target) {
    int width = Math.toIntExact(target.size(1));
    long factorAt = factor.address();
    long shiftAt = shift.address();
    long targetAt = target.address();
    device.forRange(
        Math.toIntExact(target.size(0)),
        ROW_GRAIN,
        (from, to) -> {
          for (int t = from; t < to; t++) {
            scaleRow(factorAt, shiftAt, targetAt + 4L * t * width, width);
          }
        });
  }

  void scaleBackward(Tensor y, Tensor offset, Tensor factor, Tensor dy, Tensor sums) {
    int width = Math.toIntExact(dy.size(1));
    int count = Math.toIntExact(dy.size(0));
    long yAt = y.address();
    long offsetAt = offset.address();
    long factorAt = factor.address();
    long dyAt = dy.address();
    long sumsAt = sums.address();
    device.forRange(
        width,
        COLUMN_GRAIN,
        (from, to) -> {
          int t = 0;
          for (; t + ROWS_AT_ONCE <= count; t += ROWS_AT_ONCE) {
            long row = 4L * t * width;
            backwardRows(yAt + row, offsetAt, factorAt, dyAt + row, sumsAt, width, from, to);
          }
          for (; t < count; t++) {
            long row = 4L * t * width;
            backwardRow(yAt + row, offsetAt, factorAt, dyAt + row, sumsAt, from, to);
          }
        });
  }

  private static void scaleRow(long factor, long shift, long target, int width) {
    int i = 0;
    for (; i + LANES <= width; i += LANES) {
      long at = 4L * i;
      store(load(target + at).fma(load(factor + at), load(shift + at)), target + at);
    }
    for (; i < width; i++) {
      long at = 4L * i;
      set(target + at, Math.fma(get(target + at), get(factor + at), get(shift + at)));
    }
  }

  /** Four rows, whose sums, offsets and factors are read once; each sum adds its rows in order. */
  private static void backwardRows(
      long y, long offset, long factor, long dy, long sums, int width, int from, int to) {
    long step = 4L * width;
    int i = from;
    for (; i + LANES <= to; i += LANES) {
      long at = 4L * i;
      FloatVector less = load(offset + at);
      FloatVector scale = load(factor + at);
      FloatVector sum = load(sums + at);
      for (long row = at; row < at + ROWS_AT_ONCE * step; row += step) {
        FloatVector upstream = load(dy + row);
        sum = upstream.fma(load(y + row).sub(less), sum);
        store(upstream.mul(scale), dy + row);
      }
      store(sum, sums + at);
    }
    for (int t = 0; i < to && t < ROWS_AT_ONCE; t++) {
      backwardRow(y + t * step, offset, factor, dy + t * step, sums, i, to);
    }
  }

  private static void backwardRow(
      long y, long offset, long factor, long dy, long sums, int from, int to) {
    int i = from;
    for (; i + LANES <= to; i += LANES) {
      long at = 4L * i;
      FloatVector upstream = load(dy + at);
      FloatVector inner = load(y + at).sub(load(offset + at));
      store(upstream.fma(inner, load(sums + at)), sums + at);
      store(upstream.mul(load(factor + at)), dy + at);
    }
    for (; i < to; i++) {
      long at = 4L * i;
      float upstream = get(dy + at);
      float inner = get(y + at) - get(offset + at);
      set(sums + at, Math.fma(upstream, inner, get(sums + at)));
      set(dy + at, upstream * get(factor + at));
    }
  }
}
