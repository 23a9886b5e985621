package dev.lorikeet.torch;

import dev.lorikeet.torch.Device.Transpose;
import java.util.Optional;

/**
 * A matrix W [rows, columns] that is held in another form than float32, and of which a few rows at
 * a time become float32 for a product.
 *
 * <p>The workers write a tile of rows together and then share its product. The tile is at most half
 * of the matrix, and 8 MiB where that leaves {@value #MIN_ROWS} rows; it lives as long as the
 * product. Tiles come in order and each adds to the sums of those before, so the same number of
 * threads gives the same bytes.
 *
 * @param device where the matrix lies
 * @param reader what makes float32 of rows
 * @param dots what multiplies rows without writing them down, where there is such a thing
 */
public record TiledMatrix(
    Device device, int rows, int columns, RowReader reader, Optional<RowDots> dots)
    implements HeldMatrix {
  /** With fewer rows the packing of the other operand, once a tile, would cost too much. */
  private static final int MIN_ROWS = 32;

  private static final int MAX_ROWS = 512;
  private static final int TILE_ELEMENTS = 1 << 21;

  /** Elements that a worker reads at least. */
  private static final int READ_GRAIN = 1 << 13;

  /** As in {@link CpuDevice}: smaller products stay on one thread. */
  private static final long MIN_SHARED_PRODUCT = 1L << 19;

  private static final int PRODUCT_GRAIN = 16;

  /** Writes rows {@code first … first + count − 1} as float32 to a host address. */
  @FunctionalInterface
  public interface RowReader {
    /** Runs on the calling thread; several threads may read at a time. */
    void read(int first, int count, long address);
  }

  /** Multiplies rows with a vector of float32. */
  @FunctionalInterface
  public interface RowDots {
    /**
     * Sums over columns of rows {@code first … first + count − 1} times the vector at {@code x},
     * which is {@link #arranged}, written as float32 to {@code sums}. Runs on the calling thread;
     * several threads may multiply at a time.
     */
    void multiply(int first, int count, long x, long sums);

    /**
     * The vector at {@code x} in the order in which {@link #multiply} reads it: at {@code room},
     * which takes a row of float32, or at {@code x} where that is the order of the columns.
     */
    default long arranged(long x, long room) {
      return x;
    }
  }

  /** What is done with rows {@code first … first + count − 1}, which lie at {@code address}. */
  @FunctionalInterface
  public interface Tile {
    /** The rows are float32 and gone afterwards. */
    void use(CpuDevice cpu, int first, int count, long address);
  }

  /** The matrix that a tensor of two bytes an element holds. */
  public static TiledMatrix of(Tensor half) {
    int columns = Math.toIntExact(half.size(1));
    long rowBytes = (long) columns * half.dtype().bytes();
    return new TiledMatrix(
        half.device(),
        Math.toIntExact(half.size(0)),
        columns,
        (first, count, address) ->
            HalfFloats.widen(
                half.dtype(), half.address() + first * rowBytes, address, count * columns),
        half.dtype() == DType.BFLOAT16
            ? Optional.of((first, count, x, sums) ->
                HalfFloats.dots(half.address() + first * rowBytes, count, columns, x, sums))
            : Optional.empty());
  }

  @Override
  public void timesTransposed(float alpha, Tensor x, float beta, Tensor y) {
    int height = height(x, y);
    if (height <= FewRows.MOST) {
      FewRows.timesTransposed(this, alpha, x, beta, y);
      return;
    }
    forEachTile((cpu, first, count, tile) ->
        new Product(Transpose.YES, height, count, columns, alpha)
            .compute(
                cpu,
                new Operand(x.address(), columns),
                new Operand(tile, columns),
                beta,
                new Operand(y.address() + (long) Float.BYTES * first, rows)));
  }

  @Override
  public void times(float alpha, Tensor y, float beta, Tensor x) {
    int height = height(x, y);
    forEachTile((cpu, first, count, tile) ->
        new Product(Transpose.NO, height, columns, count, alpha)
            .compute(
                cpu,
                new Operand(y.address() + (long) Float.BYTES * first, rows),
                new Operand(tile, columns),
                first == 0 ? beta : 1f,
                new Operand(x.address(), columns)));
  }

  private int height(Tensor narrow, Tensor wide) {
    narrow.requireShape(narrow.size(0), columns);
    wide.requireShape(narrow.size(0), rows);
    return Math.toIntExact(narrow.size(0));
  }

  /** Reads tile after tile; on the shape-only device its memory is counted and no more. */
  public void forEachTile(Tile use) {
    int tileRows = tileRows(rows, columns);
    try (Tensor scratch = device.floats(tileRows, columns)) {
      if (!device.isForHostCode() || !(device instanceof CpuDevice cpu)) {
        return;
      }
      long address = scratch.address();
      for (int first = 0; first < rows; first += tileRows) {
        int begin = first;
        int count = Math.min(tileRows, rows - first);
        cpu.forRange(
            count,
            Math.max(1, READ_GRAIN / columns),
            (from, to) ->
                reader.read(
                    begin + from, to - from, address + (long) Float.BYTES * from * columns));
        use.use(cpu, first, count, address);
      }
    }
  }

  @Override
  public void readRows(int first, Tensor out) {
    int count = Math.toIntExact(out.size(0));
    out.requireShape(count, columns);
    if (device.isForHostCode()) {
      long address = out.address();
      device.forRange(
          count,
          Math.max(1, READ_GRAIN / columns),
          (from, to) ->
              reader.read(first + from, to - from, address + (long) Float.BYTES * from * columns));
    }
  }

  /** Rows of a tile: at most half of the matrix'. */
  public static int tileRows(int rows, int columns) {
    int byMemory = Math.clamp(TILE_ELEMENTS / columns, MIN_ROWS, MAX_ROWS);
    return Math.min(byMemory, Math.ceilDiv(rows, 2));
  }

  /** A matrix by the address of its first element and the distance of its rows in elements. */
  private record Operand(long address, int stride) {
    long at(int row, int column) {
      return address + Float.BYTES * ((long) row * stride + column);
    }
  }

  /** C [m, n] = alpha · A [m, k] · op(B) + beta · C, shared by rows or by columns of C. */
  private record Product(Transpose transposeB, int m, int n, int k, float alpha) {

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
          alpha,
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
