package dev.lorikeet.kernel;

import static dev.lorikeet.kernel.VectorMath.LANES;
import static dev.lorikeet.kernel.VectorMath.get;
import static dev.lorikeet.kernel.VectorMath.load;
import static dev.lorikeet.kernel.VectorMath.set;
import static dev.lorikeet.kernel.VectorMath.store;

import dev.lorikeet.kernel.Kernels.Into;
import dev.lorikeet.torch.CpuDevice;
import dev.lorikeet.torch.Tensor;

/** Columns of a wider row, taken out and put back. */
final class ColumnCopyKernel {
  private static final int ROW_GRAIN = 8;
  private final CpuDevice device;

  ColumnCopyKernel(CpuDevice device) {
    this.device = device;
  }

  void gather(Tensor x, Columns columns, Tensor out) {
    long xAt = x.address();
    long outAt = out.address();
    forBlocks(
        x, columns, (wide, narrow) -> VectorMath.copy(xAt + wide, outAt + narrow, columns.width()));
  }

  void scatter(Tensor x, Columns columns, Tensor target, Into into) {
    long xAt = x.address();
    long targetAt = target.address();
    forBlocks(
        target,
        columns,
        (wide, narrow) -> {
          if (into == Into.ADD) {
            add(xAt + narrow, targetAt + wide, columns.width());
          } else {
            VectorMath.copy(xAt + narrow, targetAt + wide, columns.width());
          }
        });
  }

  /** A block's first bytes in the wide and in the narrow row. */
  private interface Block {
    void at(long wide, long narrow);
  }

  private void forBlocks(Tensor wide, Columns columns, Block block) {
    device.forRange(
        Math.toIntExact(wide.size(0)),
        ROW_GRAIN,
        (from, to) -> {
          for (long t = from; t < to; t++) {
            for (int i = 0; i < columns.count(); i++) {
              long column = (long) i * columns.stride() + columns.first();
              block.at(
                  4L * (t * columns.total() + column),
                  4L * (t * columns.size() + (long) i * columns.width()));
            }
          }
        });
  }

  private static void add(long from, long to, int count) {
    int i = 0;
    for (; i + LANES <= count; i += LANES) {
      store(load(to + 4L * i).add(load(from + 4L * i)), to + 4L * i);
    }
    for (; i < count; i++) {
      set(to + 4L * i, get(to + 4L * i) + get(from + 4L * i));
    }
  }
}
