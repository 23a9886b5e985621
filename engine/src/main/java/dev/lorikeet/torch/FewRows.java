package dev.lorikeet.torch;

import dev.lorikeet.torch.TiledMatrix.RowDots;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Optional;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * y = alpha · x·Wᵀ + beta · y where x has few rows, as when one token after the other is generated:
 * the time goes into reading W, so a worker reads some rows of it into its cache, multiplies them,
 * and goes on to the next, with one start of the workers for all. What they have in their caches is
 * at most half of W.
 *
 * <p>An element of y is one sum over eight lanes in the order of the columns, whoever computes it.
 */
final class FewRows {
  /** With more rows the tiles of a {@link TiledMatrix} and BLAS are faster. */
  static final int MOST = 8;

  /** With more rows it pays to write down what a row of W stands for. */
  private static final int MOST_DOTS = 2;

  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_256;
  private static final int LANES = FLOATS.length();
  private static final VectorShuffle<Float> SHIFT_4 = FLOATS.iotaShuffle(4, 1, true);
  private static final VectorShuffle<Float> SHIFT_2 = FLOATS.iotaShuffle(2, 1, true);
  private static final VectorShuffle<Float> SHIFT_1 = FLOATS.iotaShuffle(1, 1, true);
  private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
  private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

  /** Elements that a worker has in its cache: 32 KiB. */
  private static final int CACHED = 1 << 13;

  /** Rows of W whose sums grow side by side. */
  private static final int TOGETHER = 4;

  /** Below this many multiplications one worker does all: waking another costs more. */
  static final long MIN_SHARED = 1L << 17;

  private FewRows() {}

  static void timesTransposed(TiledMatrix matrix, float alpha, Tensor x, float beta, Tensor y) {
    Device device = matrix.device();
    int columns = matrix.columns();
    int half = Math.max(1, matrix.rows() / 2);
    int cachedRows = Math.min(Math.max(TOGETHER, CACHED / columns), half);
    int workers = Math.clamp(half / cachedRows, 1, device.threads());
    Optional<RowDots> dots = x.size(0) <= MOST_DOTS ? matrix.dots() : Optional.<RowDots>empty();
    try (Tensor cache = device.floats(workers, (long) cachedRows * columns);
        Tensor room = device.floats(dots.isPresent() ? x.size(0) : 0, columns)) {
      if (!device.isForHostCode()) {
        return;
      }
      long cacheAt = cache.address();
      long[] vectors = dots.map(there -> arranged(there, x, room)).orElseGet(() -> new long[0]);
      Sums sums = new Sums(alpha, x, beta, y, columns, matrix.rows());
      long products = (long) matrix.rows() * columns * x.size(0);
      device.forRange(
          workers,
          products < MIN_SHARED ? Integer.MAX_VALUE : 1,
          (from, to) -> {
            for (int worker = from; worker < to; worker++) {
              long at = cacheAt + (long) Float.BYTES * worker * cachedRows * columns;
              int end = share(matrix.rows(), worker + 1, workers);
              for (int row = share(matrix.rows(), worker, workers); row < end; row += cachedRows) {
                int count = Math.min(cachedRows, end - row);
                if (dots.isPresent()) {
                  sums.of(dots.get(), vectors, at, row, count);
                } else {
                  matrix.reader().read(row, count, at);
                  sums.of(at, row, count);
                }
              }
            }
          });
    }
  }

  /** Where the rows of x lie in the order of {@code dots}. */
  private static long[] arranged(RowDots dots, Tensor x, Tensor room) {
    long rowBytes = Float.BYTES * x.size(1);
    long[] vectors = new long[Math.toIntExact(x.size(0))];
    for (int row = 0; row < vectors.length; row++) {
      long from = row * rowBytes;
      vectors[row] = dots.arranged(x.address() + from, room.address() + from);
    }
    return vectors;
  }

  private static int share(int rows, int worker, int workers) {
    return (int) ((long) rows * worker / workers);
  }

  /** Where sums come from and go to. */
  private record Sums(float alpha, Tensor x, float beta, Tensor y, int columns, int rows) {

    /** Sums that {@code dots} makes, by way of {@code at}. */
    void of(RowDots dots, long[] vectors, long at, int first, int count) {
      for (int t = 0; t < vectors.length; t++) {
        dots.multiply(first, count, vectors[t], at);
        long yAt = y.address() + (long) Float.BYTES * ((long) t * rows + first);
        for (int i = 0; i < count; i++) {
          put(get(at + 4L * i), yAt + 4L * i);
        }
      }
    }

    /** Sums of rows {@code first … first + count − 1} of W, which lie at {@code at}. */
    void of(long at, int first, int count) {
      int height = Math.toIntExact(x.size(0));
      long rowBytes = (long) Float.BYTES * columns;
      for (int t = 0; t < height; t++) {
        long xAt = x.address() + t * rowBytes;
        long yAt = y.address() + (long) Float.BYTES * ((long) t * rows + first);
        int i = 0;
        for (; i + TOGETHER <= count; i += TOGETHER) {
          four(xAt, at + i * rowBytes, rowBytes, yAt + (long) Float.BYTES * i);
        }
        for (; i < count; i++) {
          long w = at + i * rowBytes;
          FloatVector sum = FloatVector.zero(FLOATS);
          int j = 0;
          for (; j + LANES <= columns; j += LANES) {
            sum = load(xAt + 4L * j).fma(load(w + 4L * j), sum);
          }
          put(sum, rest(xAt, w, j), yAt + (long) Float.BYTES * i);
        }
      }
    }

    private void four(long xAt, long w0, long rowBytes, long yAt) {
      long w1 = w0 + rowBytes;
      long w2 = w1 + rowBytes;
      long w3 = w2 + rowBytes;
      FloatVector s0 = FloatVector.zero(FLOATS);
      FloatVector s1 = FloatVector.zero(FLOATS);
      FloatVector s2 = FloatVector.zero(FLOATS);
      FloatVector s3 = FloatVector.zero(FLOATS);
      int j = 0;
      for (; j + LANES <= columns; j += LANES) {
        FloatVector value = load(xAt + 4L * j);
        s0 = value.fma(load(w0 + 4L * j), s0);
        s1 = value.fma(load(w1 + 4L * j), s1);
        s2 = value.fma(load(w2 + 4L * j), s2);
        s3 = value.fma(load(w3 + 4L * j), s3);
      }
      put(s0, rest(xAt, w0, j), yAt);
      put(s1, rest(xAt, w1, j), yAt + 4);
      put(s2, rest(xAt, w2, j), yAt + 8);
      put(s3, rest(xAt, w3, j), yAt + 12);
    }

    private float rest(long xAt, long w, int from) {
      float sum = 0;
      for (int j = from; j < columns; j++) {
        sum = Math.fma(get(xAt + 4L * j), get(w + 4L * j), sum);
      }
      return sum;
    }

    private void put(FloatVector sum, float rest, long yAt) {
      put(FewRows.sum(sum) + rest, yAt);
    }

    private void put(float total, long yAt) {
      float old = beta == 0 ? 0 : beta * get(yAt);
      MEMORY.set(ValueLayout.JAVA_FLOAT_UNALIGNED, yAt, alpha * total + old);
    }
  }

  /** ((0+4)+(2+6)) + ((1+5)+(3+7)) of the lanes. */
  static float sum(FloatVector lanes) {
    FloatVector four = lanes.add(lanes.rearrange(SHIFT_4));
    FloatVector two = four.add(four.rearrange(SHIFT_2));
    return two.add(two.rearrange(SHIFT_1)).lane(0);
  }

  private static FloatVector load(long address) {
    return FloatVector.fromMemorySegment(FLOATS, MEMORY, address, ORDER);
  }

  private static float get(long address) {
    return MEMORY.get(ValueLayout.JAVA_FLOAT_UNALIGNED, address);
  }
}
