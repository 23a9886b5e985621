package dev.lorikeet.kernel;

import static dev.lorikeet.kernel.VectorMath.LANES;
import static dev.lorikeet.kernel.VectorMath.getByte;
import static dev.lorikeet.kernel.VectorMath.loadBytes;
import static dev.lorikeet.kernel.VectorMath.set;
import static dev.lorikeet.kernel.VectorMath.store;

/** Rows of signed bytes back to float32: w = code · scale / 127. */
public final class Int8Kernel {
  /** 1/127 in float32; bitsandbytes multiplies by it. */
  public static final float PART = 1f / 127f;

  private Int8Kernel() {}

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
