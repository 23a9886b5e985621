package dev.lorikeet.torch;

import dev.lorikeet.torch.Device.Transpose;

/** Lengths of a matrix product [M, K] · [K, N]. */
record Gemm(int m, int n, int k) {

  /** The lengths, once shapes and types are known to fit. */
  static Gemm of(Transpose transposeB, Tensor b, Tensor c) {
    int bRow = transposeB == Transpose.NO ? 0 : 1;
    return new Gemm(
        Math.toIntExact(c.size(0)), Math.toIntExact(c.size(1)), Math.toIntExact(b.size(bRow)));
  }

  /** Refuses operands that do not fit: a defect of the caller. */
  static void requireShapes(
      Transpose transposeA, Transpose transposeB, Tensor a, Tensor b, Tensor c) {
    int aRow = transposeA == Transpose.NO ? 0 : 1;
    int bRow = transposeB == Transpose.NO ? 0 : 1;
    boolean matrices = a.rank() == 2 && b.rank() == 2 && c.rank() == 2;
    boolean floats = a.dtype() == DType.FLOAT32 && c.dtype() == DType.FLOAT32;
    boolean readable =
        b.dtype() == DType.FLOAT32 || (b.dtype().isHalf() && transposeA == Transpose.NO);
    if (!matrices
        || !floats
        || !readable
        || a.size(aRow) != c.size(0)
        || b.size(1 - bRow) != c.size(1)
        || a.size(1 - aRow) != b.size(bRow)) {
      throw new IllegalStateException(
          "product of " + a + " (" + transposeA + ") and " + b + " (" + transposeB + ") into " + c);
    }
  }
}
