package dev.lorikeet.kernel;

import static dev.lorikeet.kernel.VectorMath.FLOATS;
import static dev.lorikeet.kernel.VectorMath.LANES;
import static dev.lorikeet.kernel.VectorMath.get;
import static dev.lorikeet.kernel.VectorMath.getByte;
import static dev.lorikeet.kernel.VectorMath.load;
import static dev.lorikeet.kernel.VectorMath.loadBytes;
import static dev.lorikeet.kernel.VectorMath.set;
import static dev.lorikeet.kernel.VectorMath.store;
import static dev.lorikeet.kernel.VectorMath.sum;

import jdk.incubator.vector.FloatVector;

/** Rows of signed bytes back to float32: w = code · scale / 127. */
public final class Int8Kernel {
  /** 1/127 in float32; bitsandbytes multiplies by it. */
  public static final float PART = 1f / 127f;

  private Int8Kernel() {}

  /**
   * Sums over the columns of {@code count} rows of codes times the float32 at {@code x}, as float32
   * to {@code sums}. The scale of a row, at {@code scales}, multiplies its whole sum.
   */
  public static void dots(long codes, long scales, int count, int columns, long x, long sums) {
    for (int row = 0; row < count; row++) {
      long at = codes + (long) row * columns;
      FloatVector even = FloatVector.zero(FLOATS);
      FloatVector odd = FloatVector.zero(FLOATS);
      int i = 0;
      for (; i + 2 * LANES <= columns; i += 2 * LANES) {
        even = loadBytes(at + i).fma(load(x + 4L * i), even);
        odd = loadBytes(at + i + LANES).fma(load(x + 4L * (i + LANES)), odd);
      }
      float rest = 0;
      for (; i < columns; i++) {
        rest = Math.fma(getByte(at + i), get(x + 4L * i), rest);
      }
      float sum = sum(even.add(odd)) + rest;
      set(sums + 4L * row, sum * (get(scales + 4L * row) * PART));
    }
  }

  /** {@code count} bytes at {@code codes} as float32 to {@code out}; code · scale rounds first. */
  public static void dequantize(long codes, int count, float scale, long out) {
    int i = 0;
    for (; i + LANES <= count; i += LANES) {
      store(loadBytes(codes + i).mul(scale).mul(PART), out + Float.BYTES * (long) i);
    }
    for (; i < count; i++) {
      set(out + Float.BYTES * (long) i, getByte(codes + i) * scale * PART);
    }
  }
}
