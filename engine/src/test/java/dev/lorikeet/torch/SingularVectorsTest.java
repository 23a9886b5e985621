package dev.lorikeet.torch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.fixture.Rounding;
import dev.lorikeet.fixture.Tensors;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** U·diag(σ)·Vᵀ is the matrix, and the vectors are orthonormal. */
@Tag("native")
final class SingularVectorsTest {

  @ParameterizedTest
  @CsvSource({"1, 1", "1, 13", "13, 1", "13, 13", "13, 60", "207, 31", "64, 172"})
  void theWholeDecompositionIsTheMatrix(int m, int n) {
    int k = Math.min(m, n);
    try (Device device = Device.cpu(2);
        Tensors tensors = new Tensors(device)) {
      Tensor w = tensors.normal(m + "x" + n, m, n);
      float[] before = w.toFloats();
      Tensor u = tensors.empty(m, k);
      Tensor s = tensors.empty(k);
      Tensor vt = tensors.empty(k, n);
      device.singularVectors(w, u, s, vt);
      assertArrayEquals(before, w.toFloats(), "the matrix stays");
      float[] left = u.toFloats();
      float[] values = s.toFloats();
      float[] right = vt.toFloats();
      // Backward stable: errors of a few dozen U of the largest singular value.
      double tolerance = 8.0 * (m + n) * Rounding.U * values[0];
      for (int i = 0; i < k; i++) {
        assertTrue(values[i] >= 0 && (i == 0 || values[i] <= values[i - 1]), "descending");
        for (int j = 0; j < k; j++) {
          double product = 0;
          for (int c = 0; c < n; c++) {
            product += (double) right[i * n + c] * right[j * n + c];
          }
          assertEquals(i == j ? 1 : 0, product, 8.0 * (m + n) * Rounding.U);
        }
      }
      for (int row = 0; row < m; row++) {
        for (int column = 0; column < n; column++) {
          double sum = 0;
          for (int i = 0; i < k; i++) {
            sum += (double) left[row * k + i] * values[i] * right[i * n + column];
          }
          assertEquals(before[row * n + column], sum, tolerance);
        }
      }
    }
  }

  @Test
  void aPartIsThePartOfTheWholeAndThreadsChangeNoBit() {
    List<float[]> lefts = new ArrayList<>();
    for (int threads : new int[] {1, 2, 3}) {
      try (Device device = Device.cpu(threads);
          Tensors tensors = new Tensors(device)) {
        Tensor w = tensors.normal("w", 40, 56);
        Tensor whole = tensors.empty(40, 40);
        Tensor part = tensors.empty(40, 3);
        Tensor values = tensors.empty(40);
        device.singularVectors(w, whole, values, tensors.empty(40, 56));
        device.singularVectors(w, part, values, tensors.empty(3, 56));
        for (int row = 0; row < 40; row++) {
          for (int i = 0; i < 3; i++) {
            assertEquals(whole.toFloats()[row * 40 + i], part.toFloats()[row * 3 + i]);
          }
        }
        lefts.add(part.toFloats());
      }
    }
    assertArrayEquals(lefts.get(0), lefts.get(1));
    assertArrayEquals(lefts.get(0), lefts.get(2));
  }

  @Test
  void aMatrixOfNoNumbersIsRefused() {
    try (Device device = Device.cpu(1);
        Tensors tensors = new Tensors(device)) {
      Tensor w = tensors.empty(4, 5);
      assertThrows(
          ArithmeticException.class,
          () ->
              device.singularVectors(
                  w, tensors.empty(4, 2), tensors.empty(4), tensors.empty(2, 5)));
    }
  }
}
