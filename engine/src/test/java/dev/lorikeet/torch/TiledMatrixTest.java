package dev.lorikeet.torch;

import static dev.lorikeet.fixture.Rounding.U;
import static dev.lorikeet.fixture.Rounding.assertWithin;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.lorikeet.fixture.Tensors;
import dev.lorikeet.torch.Device.Transpose;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Products with matrices of two bytes an element are those with the same numbers in float32. */
@Tag("native")
final class TiledMatrixTest {

  @ParameterizedTest
  @CsvSource({
    "1, 1, 1",
    "1, 207, 13",
    "13, 64, 207",
    "207, 13, 64",
    "70, 1100, 33",
    "3, 33, 1100",
    "8, 515, 77",
    "9, 515, 77"
  })
  void productsAreThoseOfTheWiderMatrix(int height, int rows, int columns) {
    for (DType type : new DType[] {DType.BFLOAT16, DType.FLOAT16}) {
      for (int threads : new int[] {1, 2, 3}) {
        try (Device device = Device.cpu(threads);
            Tensors tensors = new Tensors(device)) {
          check(tensors, device, type, height, rows, columns);
        }
      }
    }
  }

  private static void check(
      Tensors tensors, Device device, DType type, int height, int rows, int columns) {
    Tensor half = tensors.keep(device.empty(type, rows, columns));
    half.roundFrom(tensors.normal("w", rows, columns));
    Tensor wide = tensors.keep(half.asFloats());
    Tensor x = tensors.normal("x", height, columns);
    Tensor y = tensors.normal("y", height, rows);
    String what = "%s %d x %d x %d".formatted(type, height, rows, columns);
    compare(device, Transpose.YES, x, half, wide, y, columns, what);
    compare(device, Transpose.NO, y, half, wide, x, rows, what + " back");
  }

  /** Both err by the roundings of k products and the old value, whose magnitudes |a|·|b| bound. */
  private static void compare(
      Device device,
      Transpose transpose,
      Tensor a,
      Tensor half,
      Tensor wide,
      Tensor c,
      int k,
      String what) {
    try (Tensor expected = c.emptyLike().copyFrom(c);
        Tensor found = c.emptyLike().copyFrom(c);
        Tensor replaced = c.emptyLike()) {
      device.gemm(Transpose.NO, transpose, 0.7f, a, wide, 1.5f, expected);
      device.gemm(Transpose.NO, transpose, 0.7f, a, half, 1.5f, found);
      double size = k * largest(a) * largest(wide) + 1.5 * largest(c);
      assertWithin(expected.toFloats(), found.toFloats(), _ -> 2 * (k + 3) * U * size, what);
      replaced.segment().fill((byte) 0xFF); // not a number everywhere: β = 0 must not read it
      device.gemm(Transpose.NO, transpose, 1f, a, wide, 0f, expected);
      device.gemm(Transpose.NO, transpose, 1f, a, half, 0f, replaced);
      assertWithin(expected.toFloats(), replaced.toFloats(), _ -> 2 * (k + 3) * U * size, what);
    }
  }

  private static double largest(Tensor tensor) {
    double largest = 0;
    for (float value : tensor.toFloats()) {
      largest = Math.max(largest, Math.abs(value));
    }
    return largest;
  }

  @Test
  void onlyTheSecondOperandMayBeNarrow() {
    try (Device device = Device.shapeOnly();
        Tensor half = device.empty(DType.BFLOAT16, 4, 4);
        Tensor wide = device.floats(4, 4)) {
      assertThrows(
          IllegalStateException.class,
          () -> device.gemm(Transpose.NO, Transpose.NO, 1f, half, wide, 0f, wide));
      assertThrows(
          IllegalStateException.class,
          () -> device.gemm(Transpose.YES, Transpose.NO, 1f, wide, half, 0f, wide));
      assertThrows(
          IllegalStateException.class,
          () -> device.gemm(Transpose.NO, Transpose.NO, 1f, wide, wide, 0f, half));
    }
  }

  @Test
  void theTilesOfAProductAreCountedOnEveryDevice() {
    try (Device cpu = Device.cpu(2);
        Device shapes = Device.shapeOnly(2)) {
      assertEquals(peak(shapes), peak(cpu));
    }
  }

  private static long peak(Device device) {
    try (Tensor half = device.empty(DType.FLOAT16, 300, 70).zero();
        Tensor x = device.zeros(5, 70);
        Tensor y = device.zeros(5, 300)) {
      device.gemm(Transpose.NO, Transpose.YES, 1f, x, half, 0f, y);
      return device.memory().peakBytes();
    }
  }
}
