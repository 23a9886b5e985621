package dev.lorikeet.quant;

import dev.lorikeet.torch.CpuDevice;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Device.Transpose;
import dev.lorikeet.torch.Tensor;

/**
 * Products with a quantised weight W [out, in], of which a few rows at a time are float32.
 *
 * <p>The workers dequantise a tile of rows together and then share its product. The tile is at most
 * half of the weight, and 8 MiB where that leaves {@value #MIN_ROWS} rows; it lives as long as the
 * product. Tiles come in order and each adds to the sums of those before, so the same number of
 * threads gives the same bytes.
 */
final class TiledProduct {
  /** With fewer rows the packing of the other operand, once a tile, would cost too much. */
  private static final int MIN_ROWS = 32;

  private static final int MAX_ROWS = 512;
  private static final int TILE_ELEMENTS = 1 << 21;

  /** Elements that a worker dequantises at least. */
  private static final int DEQUANTIZE_GRAIN = 1 << 13;

  /** As in {@link CpuDevice}: smaller products stay on one thread. */
  private static final long MIN_SHARED_PRODUCT = 1L << 19;

  private static final int PRODUCT_GRAIN = 16;

  private TiledProduct() {}

  /** What is done with rows {@code first … first + count − 1}, which lie at {@code address}. */
  @FunctionalInterface
  interface Tile {
    void use(CpuDevice cpu, int first, int count, long address);
  }

  /** y = x·Wᵀ; x [T, in], y [T, out]. */
  static void timesTransposed(Tensor x, QuantizedWeight weight, Tensor y) {
    int in = weight.inFeatures();
    int out = weight.outFeatures();
    int rows = rows(x, in, y, out);
    forEachTile(
        weight,
        (cpu, first, count, tile) ->
            new Product(Transpose.YES, rows, count, in)
                .compute(
                    cpu,
                    new Operand(x.address(), in),
                    new Operand(tile, in),
                    0f,
                    new Operand(y.address() + (long) Float.BYTES * first, out)));
  }

  /** dx = dy·W + beta·dx; dy [T, out], dx [T, in]. */
  static void times(Tensor dy, QuantizedWeight weight, float beta, Tensor dx) {
    int in = weight.inFeatures();
    int out = weight.outFeatures();
    int rows = rows(dx, in, dy, out);
    forEachTile(
        weight,
        (cpu, first, count, tile) ->
            new Product(Transpose.NO, rows, in, count)
                .compute(
                    cpu,
                    new Operand(dy.address() + (long) Float.BYTES * first, out),
                    new Operand(tile, in),
                    first == 0 ? beta : 1f,
                    new Operand(dx.address(), in)));
  }

  private static int rows(Tensor inputs, int in, Tensor outputs, int out) {
    inputs.requireShape(inputs.size(0), in);
    outputs.requireShape(inputs.size(0), out);
    return Math.toIntExact(inputs.size(0));
  }

  /** Dequantises tile after tile; on the shape-only device its memory is counted and no more. */
  static void forEachTile(QuantizedWeight weight, Tile use) {
    Device device = weight.device();
    int in = weight.inFeatures();
    int out = weight.outFeatures();
    int tileRows = tileRows(out, in);
    try (Tensor scratch = device.floats(tileRows, in)) {
      if (!(device instanceof CpuDevice cpu)) {
        return;
      }
      long address = scratch.address();
      for (int first = 0; first < out; first += tileRows) {
        int begin = first;
        int count = Math.min(tileRows, out - first);
        cpu.forRange(
            count,
            Math.max(1, DEQUANTIZE_GRAIN / in),
            (from, to) ->
                weight.dequantizeRows(
                    begin + from, to - from, address + (long) Float.BYTES * from * in));
        use.use(cpu, first, count, address);
      }
    }
  }

  /** Rows of a tile: at most half of the weight's. */
  static int tileRows(int out, int in) {
    int byMemory = Math.clamp(TILE_ELEMENTS / in, MIN_ROWS, MAX_ROWS);
    return Math.min(byMemory, Math.ceilDiv(out, 2));
  }

  /** A matrix by the address of its first element and the distance of its rows in elements. */
  private record Operand(long address, int stride) {
    long at(int row, int column) {
      return address + Float.BYTES * ((long) row * stride + column);
    }
  }

  /** C [m, n] = A [m, k] · op(B) + beta · C, shared by rows or by columns of C. */
  private record Product(Transpose transposeB, int m, int n, int k) {

    void compute(CpuDevice cpu, Operand a, Operand b, float beta, Operand c) {
      int grain = (long) m * n * k < MIN_SHARED_PRODUCT ? Integer.MAX_VALUE : PRODUCT_GRAIN;
      if (m >= n) {
        cpu.forRange(m, grain, (from, to) -> block(cpu, a, b, beta, c, from, to, 0, n));
      } else {
        cpu.forRange(n, grain, (from, to) -> block(cpu, a, b, beta, c, 0, m, from, to));
      }
    }

    private void block(
        CpuDevice cpu,
        Operand a,
        Operand b,
        float beta,
        Operand c,
        int row,
        int rowEnd,
        int column,
        int columnEnd) {
      cpu.sgemm(
          Transpose.NO,
          transposeB,
          rowEnd - row,
          columnEnd - column,
          k,
          1f,
          a.at(row, 0),
          a.stride,
          transposeB == Transpose.YES ? b.at(column, 0) : b.at(0, column),
          b.stride,
          beta,
          c.at(row, column),
          c.stride);
    }
  }
}
