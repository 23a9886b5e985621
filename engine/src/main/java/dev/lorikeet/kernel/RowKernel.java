package dev.lorikeet.kernel;

import static dev.lorikeet.kernel.VectorMath.LANES;
import static dev.lorikeet.kernel.VectorMath.copy;
import static dev.lorikeet.kernel.VectorMath.get;
import static dev.lorikeet.kernel.VectorMath.getInt;
import static dev.lorikeet.kernel.VectorMath.load;
import static dev.lorikeet.kernel.VectorMath.set;
import static dev.lorikeet.kernel.VectorMath.store;

import dev.lorikeet.torch.CpuDevice;
import dev.lorikeet.torch.DType;
import dev.lorikeet.torch.HalfFloats;
import dev.lorikeet.torch.Tensor;

/** Rows by index, and sums over rows. Additions are shared by columns: rows add in their order. */
final class RowKernel {
  private static final int ROW_GRAIN = 16;
  private static final int COLUMN_GRAIN = 64;
  private final CpuDevice device;

  RowKernel(CpuDevice device) {
    this.device = device;
  }

  void gather(Tensor table, Tensor ids, Tensor out) {
    DType type = table.dtype();
    long width = table.size(1);
    long tableRows = table.size(0);
    long tableAt = table.address();
    long idsAt = ids.address();
    long outAt = out.address();
    device.forRange(
        Math.toIntExact(ids.elements()),
        ROW_GRAIN,
        (from, to) -> {
          for (int t = from; t < to; t++) {
            long id = requireRow(getInt(idsAt + 4L * t), tableRows);
            if (type.isHalf()) {
              HalfFloats.widen(
                  type, tableAt + 2 * id * width, outAt + 4L * t * width, Math.toIntExact(width));
            } else {
              copy(tableAt + 4 * id * width, outAt + 4L * t * width, width);
            }
          }
        });
  }

  void scatterAdd(Tensor source, Tensor ids, Tensor table) {
    int width = Math.toIntExact(table.size(1));
    int count = Math.toIntExact(ids.elements());
    long tableRows = table.size(0);
    long tableAt = table.address();
    long idsAt = ids.address();
    long sourceAt = source.address();
    device.forRange(
        width,
        COLUMN_GRAIN,
        (from, to) -> {
          for (int t = 0; t < count; t++) {
            long id = requireRow(getInt(idsAt + 4L * t), tableRows);
            addColumns(sourceAt + 4L * t * width, tableAt + 4 * id * width, from, to);
          }
        });
  }

  void addRow(Tensor row, Tensor target) {
    int width = Math.toIntExact(target.size(1));
    long rowAt = row.address();
    long targetAt = target.address();
    device.forRange(
        Math.toIntExact(target.size(0)),
        ROW_GRAIN,
        (from, to) -> {
          for (int t = from; t < to; t++) {
            addColumns(rowAt, targetAt + 4L * t * width, 0, width);
          }
        });
  }

  void addSumOfRows(Tensor x, Tensor target) {
    int width = Math.toIntExact(x.size(1));
    int count = Math.toIntExact(x.size(0));
    long xAt = x.address();
    long targetAt = target.address();
    device.forRange(
        width,
        COLUMN_GRAIN,
        (from, to) -> {
          for (int t = 0; t < count; t++) {
            addColumns(xAt + 4L * t * width, targetAt, from, to);
          }
        });
  }

  private static long requireRow(int id, long tableRows) {
    if (id < 0 || id >= tableRows) {
      throw new IllegalStateException("row " + id + " of a table with " + tableRows + " rows");
    }
    return id;
  }

  private static void addColumns(long from, long to, int begin, int end) {
    int i = begin;
    for (; i + LANES <= end; i += LANES) {
      store(load(to + 4L * i).add(load(from + 4L * i)), to + 4L * i);
    }
    for (; i < end; i++) {
      set(to + 4L * i, get(to + 4L * i) + get(from + 4L * i));
    }
  }
}
