package dev.lorikeet.torch;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The CPU: pooled host memory, OpenBLAS for products, and a fixed number of worker threads that
 * share every operation in fixed ranges.
 */
public final class CpuDevice extends Device {
  /** Below this many multiplications a product stays on one thread: waking another costs more. */
  private static final long MIN_SHARED_PRODUCT = 1L << 19;

  /** Rows or columns of a shared product are split at multiples of this. */
  private static final int GEMM_GRAIN = 16;

  /** Elements of a matrix that stay in a core's cache until its next use: 128 KiB. */
  private static final int CACHED_ELEMENTS = 1 << 15;

  private static final long MAX_IDLE_BYTES = 1L << 30;

  private final Workers workers;
  private final Blas blas = new Blas();
  private final BlockPool pool = new BlockPool(MAX_IDLE_BYTES);

  CpuDevice(int threads) {
    if (threads < 1) {
      throw new IllegalStateException("a CPU device needs a thread, not " + threads);
    }
    workers = new Workers(threads);
  }

  @Override
  public String name() {
    return "cpu";
  }

  @Override
  public boolean hasHostMemory() {
    return true;
  }

  @Override
  public int threads() {
    return workers.threads();
  }

  /** Version, build and kernels of the BLAS library, for the record. */
  public String blasDescription() {
    return blas.description();
  }

  @Override
  public void forRange(int count, int grain, RangeTask task) {
    workers.forRange(count, grain, task);
  }

  @Override
  void multiply(
      Transpose transposeA,
      Transpose transposeB,
      float alpha,
      Tensor a,
      Tensor b,
      float beta,
      Tensor c) {
    Gemm shape = Gemm.of(transposeB, b, c);
    int m = shape.m();
    int n = shape.n();
    int k = shape.k();
    if (m == 0 || n == 0) {
      return;
    }
    boolean fewRows = m <= Math.min(n, FewRows.MOST) && k > 0;
    if (transposeA == Transpose.NO && transposeB == Transpose.YES && fewRows) {
      timesFewRows(shape, alpha, a, b, beta, c);
      return;
    }
    boolean ta = transposeA == Transpose.YES;
    boolean tb = transposeB == Transpose.YES;
    int lda = ta ? m : k;
    int ldb = tb ? k : n;
    long aAt = a.address();
    long bAt = b.address();
    long cAt = c.address();
    int grain = (long) m * n * k < MIN_SHARED_PRODUCT ? Integer.MAX_VALUE : GEMM_GRAIN;
    if (m >= n) {
      long aStep = 4L * (ta ? 1 : lda);
      forRange(
          m,
          grain,
          (from, to) ->
              blas.sgemm(
                  ta,
                  tb,
                  to - from,
                  n,
                  k,
                  alpha,
                  aAt + from * aStep,
                  lda,
                  bAt,
                  ldb,
                  beta,
                  cAt + 4L * from * n,
                  n));
    } else {
      long bStep = 4L * (tb ? ldb : 1);
      forRange(
          n,
          grain,
          (from, to) ->
              blas.sgemm(
                  ta,
                  tb,
                  m,
                  to - from,
                  k,
                  alpha,
                  aAt,
                  lda,
                  bAt + from * bStep,
                  ldb,
                  beta,
                  cAt + 4L * from,
                  n));
    }
  }

  /**
   * C = alpha · A · Bᵀ + beta · C, a row of A after the other with some rows of B that then are in
   * the cache: a product of matrices packs B first, which takes several times as long as reading
   * it.
   */
  private void timesFewRows(Gemm shape, float alpha, Tensor a, Tensor b, float beta, Tensor c) {
    int n = shape.n();
    int k = shape.k();
    int together = Math.max(1, CACHED_ELEMENTS / k);
    long products = (long) shape.m() * n * k;
    forRange(
        n,
        products < FewRows.MIN_SHARED ? Integer.MAX_VALUE : GEMM_GRAIN,
        (begin, end) -> {
          for (int row = begin; row < end; row += together) {
            int rows = Math.min(together, end - row);
            for (int i = 0; i < shape.m(); i++) {
              blas.sgemv(
                  rows,
                  k,
                  alpha,
                  b.address() + 4L * row * k,
                  a.address() + 4L * i * k,
                  beta,
                  c.address() + 4L * ((long) i * n + row));
            }
          }
        });
  }

  /** Product of matrices given by address and leading dimension, on the calling thread. */
  public void sgemm(
      Transpose transposeA,
      Transpose transposeB,
      int m,
      int n,
      int k,
      float alpha,
      long a,
      int lda,
      long b,
      int ldb,
      float beta,
      long c,
      int ldc) {
    blas.sgemm(
        transposeA == Transpose.YES,
        transposeB == Transpose.YES,
        m,
        n,
        k,
        alpha,
        a,
        lda,
        b,
        ldb,
        beta,
        c,
        ldc);
  }

  @Override
  public void singularVectors(Tensor matrix, Tensor left, Tensor values, Tensor right) {
    int m = Math.toIntExact(matrix.size(0));
    int n = Math.toIntExact(matrix.size(1));
    int k = Math.min(m, n);
    int rank = Math.toIntExact(right.size(0));
    left.requireShape(m, rank);
    values.requireShape(k);
    right.requireShape(rank, n);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment a = arena.allocate(JAVA_FLOAT, (long) m * n).copyFrom(matrix.segment());
      MemorySegment u = arena.allocate(JAVA_FLOAT, (long) m * k);
      MemorySegment vt = arena.allocate(JAVA_FLOAT, (long) k * n);
      int info = blas.sgesdd(m, n, a, u, values.segment(), vt);
      if (info != 0) {
        throw new ArithmeticException(
            info < 0
                ? "the matrix holds values that are not numbers"
                : "the singular value decomposition did not converge");
      }
      for (int row = 0; row < m; row++) {
        MemorySegment.copy(u, 4L * row * k, left.segment(), 4L * row * rank, 4L * rank);
      }
      right.segment().copyFrom(vt.asSlice(0, 4L * rank * n));
    }
  }

  @Override
  long allocate(long bytes) {
    return pool.allocate(bytes);
  }

  @Override
  void release(long address, long bytes) {
    pool.release(address, bytes);
  }

  @Override
  float[] readFloats(Tensor tensor) {
    return tensor.segment().toArray(ValueLayout.JAVA_FLOAT);
  }

  @Override
  public void close() {
    workers.close();
    pool.trim();
  }
}
