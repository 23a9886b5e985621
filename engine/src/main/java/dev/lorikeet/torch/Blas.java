package dev.lorikeet.torch;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.openblas.global.openblas_nolapack;

/**
 * Single-precision matrix products and decompositions of OpenBLAS, always on the calling thread:
 * Lorikeet's own workers share a large product by rows, because OpenBLAS' threads disturb every
 * other kernel and make results depend on their timing. The kernels are those that OpenBLAS finds
 * for the processor, or that the environment variable OPENBLAS_CORETYPE names: a run records them.
 */
final class Blas {
  private static final int ROW_MAJOR = 101;
  private static final int NO_TRANSPOSE = 111;
  private static final int TRANSPOSE = 112;

  private static final int COLUMN_MAJOR = 102;

  private static final FunctionDescriptor DECOMPOSITION =
      FunctionDescriptor.of(
          JAVA_INT, JAVA_INT, JAVA_BYTE, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, ADDRESS, ADDRESS,
          JAVA_INT, ADDRESS, JAVA_INT);

  private final MethodHandle sgemm;
  private final MethodHandle sgemv;
  private final MethodHandle sgesdd;
  private final String description;

  Blas() {
    Loader.load(openblas_nolapack.class);
    Linker linker = Linker.nativeLinker();
    sgemm =
        linker.downcallHandle(
            symbol("cblas_sgemm"),
            FunctionDescriptor.ofVoid(
                JAVA_INT,
                JAVA_INT,
                JAVA_INT,
                JAVA_INT,
                JAVA_INT,
                JAVA_INT,
                JAVA_FLOAT,
                JAVA_LONG,
                JAVA_INT,
                JAVA_LONG,
                JAVA_INT,
                JAVA_FLOAT,
                JAVA_LONG,
                JAVA_INT));
    sgemv =
        linker.downcallHandle(
            symbol("cblas_sgemv"),
            FunctionDescriptor.ofVoid(
                JAVA_INT,
                JAVA_INT,
                JAVA_INT,
                JAVA_INT,
                JAVA_FLOAT,
                JAVA_LONG,
                JAVA_INT,
                JAVA_LONG,
                JAVA_INT,
                JAVA_FLOAT,
                JAVA_LONG,
                JAVA_INT));
    sgesdd = linker.downcallHandle(symbol("LAPACKE_sgesdd"), DECOMPOSITION);
    MethodHandle setThreads =
        linker.downcallHandle(
            symbol("openblas_set_num_threads"), FunctionDescriptor.ofVoid(JAVA_INT));
    MethodHandle config =
        linker.downcallHandle(symbol("openblas_get_config"), FunctionDescriptor.of(ADDRESS));
    MethodHandle core =
        linker.downcallHandle(symbol("openblas_get_corename"), FunctionDescriptor.of(ADDRESS));
    try {
      setThreads.invokeExact(1);
      description =
          text((MemorySegment) config.invokeExact())
              + " ("
              + text((MemorySegment) core.invokeExact())
              + " kernels)";
    } catch (Throwable failure) {
      throw new IllegalStateException("OpenBLAS could not be set up", failure);
    }
  }

  /** Version, build options and chosen kernels. */
  String description() {
    return description;
  }

  /** C = alpha · op(A) · op(B) + beta · C; leading dimensions in elements. */
  void sgemm(
      boolean transposeA,
      boolean transposeB,
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
    try {
      sgemm.invokeExact(
          ROW_MAJOR,
          transposeA ? TRANSPOSE : NO_TRANSPOSE,
          transposeB ? TRANSPOSE : NO_TRANSPOSE,
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
    } catch (Throwable failure) {
      throw new IllegalStateException("cblas_sgemm " + m + "x" + n + "x" + k, failure);
    }
  }

  /** y = alpha · A · x + beta · y for a row-major A [m, n] without gaps. */
  void sgemv(int m, int n, float alpha, long a, long x, float beta, long y) {
    try {
      sgemv.invokeExact(ROW_MAJOR, NO_TRANSPOSE, m, n, alpha, a, n, x, 1, beta, y, 1);
    } catch (Throwable failure) {
      throw new IllegalStateException("cblas_sgemv " + m + "x" + n, failure);
    }
  }

  /**
   * Thin singular value decomposition A = U·diag(s)·Vᵀ of a row-major [m, n] by divide and conquer,
   * k = min(m, n). A is destroyed.
   *
   * <p>LAPACK reads row-major A as the transpose, whose left vectors are ours from the right. So
   * nothing has to be transposed.
   *
   * @param u [m, k]
   * @param s [k], descending
   * @param vt [k, n]
   * @return 0, or LAPACK's number of what went wrong: negative for a value that is not a number
   */
  int sgesdd(int m, int n, MemorySegment a, MemorySegment u, MemorySegment s, MemorySegment vt) {
    try {
      return (int)
          sgesdd.invokeExact(COLUMN_MAJOR, (byte) 'S', n, m, a, n, s, vt, n, u, Math.min(m, n));
    } catch (Throwable failure) {
      throw new IllegalStateException("LAPACKE_sgesdd " + m + "x" + n, failure);
    }
  }

  private static MemorySegment symbol(String name) {
    Pointer address = Loader.addressof(name);
    if (address == null) {
      throw new IllegalStateException("OpenBLAS has no function " + name);
    }
    return MemorySegment.ofAddress(address.address());
  }

  private static String text(MemorySegment address) {
    return address.reinterpret(Long.MAX_VALUE).getString(0).trim();
  }
}
