package dev.lorikeet.torch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.fixture.Tensors;
import dev.lorikeet.torch.Device.Transpose;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Products whose operands are rounded to two bytes and which add up in float32. */
@Tag("native")
final class TorchProductTest {
  private static final double U = 0x1p-24;
  private static final int M = 9;
  private static final int K = 207;
  private static final int N = 13;
  private static final float ALPHA = 0.75f;
  private static final float BETA = 0.25f;

  /** The numbers of a product, row by row, and how they are read. */
  private record Case(Transpose transposeA, Transpose transposeB, DType held, DType compute) {
    long[] aShape() {
      return transposeA == Transpose.YES ? new long[] {K, M} : new long[] {M, K};
    }

    long[] bShape() {
      return transposeB == Transpose.YES ? new long[] {N, K} : new long[] {K, N};
    }

    int a(int row, int column) {
      return transposeA == Transpose.YES ? column * M + row : row * K + column;
    }

    int b(int row, int column) {
      return transposeB == Transpose.YES ? column * K + row : row * N + column;
    }
  }

  @ParameterizedTest
  @CsvSource({
    "NO, NO, FLOAT32, BFLOAT16",
    "NO, YES, FLOAT32, BFLOAT16",
    "YES, NO, FLOAT32, BFLOAT16",
    "NO, YES, BFLOAT16, BFLOAT16",
    "NO, NO, BFLOAT16, BFLOAT16",
    "NO, NO, FLOAT32, FLOAT16",
    "NO, YES, FLOAT32, FLOAT16",
    "YES, NO, FLOAT32, FLOAT16",
    "NO, YES, FLOAT16, FLOAT16",
    "NO, YES, BFLOAT16, FLOAT16",
    "NO, YES, FLOAT16, BFLOAT16",
    "NO, NO, FLOAT32, FLOAT32"
  })
  void operandsAreRoundedOnceAndAddUpInFloat32(
      Transpose transposeA, Transpose transposeB, DType held, DType compute) {
    Case product = new Case(transposeA, transposeB, held, compute);
    try (TorchDevice device = TorchDevice.standIn(Optional.empty(), compute)) {
      assertAddsUpInFloat32(device, product);
      assertEquals(0, device.blocks());
    }
  }

  /**
   * Products of two 11-bit numbers are exact in float32. K of them, in any order, with both factors
   * and the old number err by (K + 3)·2⁻²⁴ of their magnitudes.
   */
  private static void assertAddsUpInFloat32(TorchDevice device, Case product) {
    float[] a = Tensors.numbers("a", M * K);
    float[] b = rounded(device, product.held(), Tensors.numbers("b", K * N));
    float[] c = Tensors.numbers("c", M * N);
    float[] found = product(device, product, a, b, c);
    float[] readA = rounded(device, product.compute(), a);
    float[] readB = rounded(device, product.compute(), b);
    double unrounded = 0;
    for (int row = 0; row < M; row++) {
      for (int column = 0; column < N; column++) {
        int at = row * N + column;
        double sum = BETA * (double) c[at];
        double exact = sum;
        double magnitude = Math.abs(sum);
        for (int k = 0; k < K; k++) {
          int left = product.a(row, k);
          int right = product.b(k, column);
          double term = ALPHA * (double) readA[left] * readB[right];
          sum += term;
          magnitude += Math.abs(term);
          exact += ALPHA * (double) a[left] * b[right];
        }
        double limit = (K + 3) * U * magnitude;
        assertEquals(sum, found[at], limit, "element " + at);
        unrounded = Math.max(unrounded, Math.abs(exact - found[at]) / limit);
      }
    }
    // Without rounding the operands the result would be another one.
    assertTrue(product.compute().isHalf() == unrounded > 1, "rounding is " + unrounded);
  }

  private static float[] product(
      TorchDevice device, Case product, float[] a, float[] b, float[] c) {
    try (Tensor left = device.floats(product.aShape()).copyFrom(a);
        Tensor floats = device.floats(product.bShape()).copyFrom(b);
        Tensor right =
            product.held().isHalf()
                ? device.empty(product.held(), product.bShape()).roundFrom(floats)
                : floats.retain();
        Tensor result = device.floats(M, N).copyFrom(c)) {
      device.gemm(product.transposeA(), product.transposeB(), ALPHA, left, right, BETA, result);
      return result.toFloats();
    }
  }

  private static float[] rounded(TorchDevice device, DType type, float[] values) {
    if (!type.isHalf()) {
      return values;
    }
    try (Tensor floats = device.floats(values.length).copyFrom(values);
        Tensor half = device.empty(type, values.length).roundFrom(floats)) {
      return half.toFloats();
    }
  }

  @Test
  void whatIsTooLargeForFloat16IsInfinite() {
    try (TorchDevice device = TorchDevice.standIn(Optional.empty(), DType.FLOAT16);
        Tensor a = device.floats(1, 1).copyFrom(new float[] {70_000});
        Tensor b = device.floats(1, 1).copyFrom(new float[] {0.5f});
        Tensor c = device.zeros(1, 1)) {
      device.gemm(Transpose.NO, Transpose.NO, 1, a, b, 0, c);
      assertEquals(Float.POSITIVE_INFINITY, c.toFloats()[0]);
    }
  }

  @Test
  void wholeNumbersAreNoFormat() {
    assertThrows(
        IllegalStateException.class, () -> TorchDevice.standIn(Optional.empty(), DType.INT8));
  }
}
