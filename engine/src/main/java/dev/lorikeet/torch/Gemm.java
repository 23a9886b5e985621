package dev.lorikeet.torch;

import dev.lorikeet.torch.Device.Transpose;

/** Shapes of a matrix product, checked once for every device. */
record Gemm(int m, int n, int k) {

  static Gemm requireShapes(
      Transpose transposeA, Transpose transposeB, Tensor a, Tensor b, Tensor c) {
    int aRow = transposeA == Transpose.NO ? 0 : 1;
    int bRow = transposeB == Transpose.NO ? 0 : 1;
    boolean matrices = a.rank() == 2 && b.rank() == 2 && c.rank() == 2;
    if (!matrices
        || a.size(aRow) != c.size(0)
        || b.size(1 - bRow) != c.size(1)
        || a.size(1 - aRow) != b.size(bRow)) {
      throw new IllegalStateException(
          "product of " + a + " (" + transposeA + ") and " + b + " (" + transposeB + ") into " + c);
    }
    return new Gemm(
        Math.toIntExact(c.size(0)), Math.toIntExact(c.size(1)), Math.toIntExact(b.size(bRow)));
  }
}
