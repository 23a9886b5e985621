package dev.lorikeet.torch;

import static dev.lorikeet.fixture.Rounding.U;
import static dev.lorikeet.fixture.Rounding.assertWithin;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.lorikeet.fixture.Tensors;
import dev.lorikeet.torch.Device.Transpose;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Tag("native")
final class GemmTest {

  @SuppressWarnings("ArrayRecordComponent") // only carries them, is never compared
  private record Product(float[] values, double[] magnitudes) {}

  /** The last ones are large enough to be shared by rows, and by columns. */
  @ParameterizedTest
  @CsvSource({
    "1,1,1",
    "1,7,13",
    "13,1,7",
    "7,13,1",
    "13,64,207",
    "207,13,64",
    "64,207,13",
    "1,576,64",
    "2,700,97",
    "300,8,576",
    "8,300,576",
    "207,211,67",
    "67,257,131"
  })
  void agreesWithANaiveProduct(int m, int n, int k) {
    for (int threads : new int[] {1, 2, 3}) {
      try (Device device = Device.cpu(threads);
          Tensors tensors = new Tensors(device)) {
        for (Transpose ta : Transpose.values()) {
          for (Transpose tb : Transpose.values()) {
            check(device, tensors, ta, tb, m, n, k);
          }
        }
      }
    }
  }

  /** A sum of k products and the old value, in any order: (k + 3) roundings of its magnitudes. */
  private static void check(
      Device device, Tensors tensors, Transpose ta, Transpose tb, int m, int n, int k) {
    Tensor a = ta == Transpose.NO ? tensors.normal("a", m, k) : tensors.normal("a", k, m);
    Tensor b = tb == Transpose.NO ? tensors.normal("b", k, n) : tensors.normal("b", n, k);
    String what = "%dx%dx%d %s %s %d threads".formatted(m, n, k, ta, tb, device.threads());
    Tensor replaced = tensors.empty(m, n); // not a number everywhere: β = 0 must not read it
    device.gemm(ta, tb, 0.7f, a, b, 0f, replaced);
    Product fresh = naive(a, b, ta, tb, new float[m * n], 0f, m, n, k);
    assertWithin(fresh.values, replaced.toFloats(), i -> (k + 3) * U * fresh.magnitudes[i], what);
    Tensor added = tensors.normal("c", m, n);
    Product sum = naive(a, b, ta, tb, added.toFloats(), 1.5f, m, n, k);
    device.gemm(ta, tb, 0.7f, a, b, 1.5f, added);
    assertWithin(sum.values, added.toFloats(), i -> (k + 3) * U * sum.magnitudes[i], what + " +");
  }

  private static Product naive(
      Tensor a, Tensor b, Transpose ta, Transpose tb, float[] c, float beta, int m, int n, int k) {
    float[] left = a.toFloats();
    float[] right = b.toFloats();
    Product product = new Product(new float[m * n], new double[m * n]);
    for (int i = 0; i < m; i++) {
      for (int j = 0; j < n; j++) {
        int at = i * n + j;
        double sum = (double) beta * c[at];
        double magnitude = Math.abs(sum);
        for (int l = 0; l < k; l++) {
          double x = left[ta == Transpose.NO ? i * k + l : l * m + i];
          double y = right[tb == Transpose.NO ? l * n + j : j * k + l];
          sum += 0.7f * x * y;
          magnitude += Math.abs(0.7f * x * y);
        }
        product.values[at] = (float) sum;
        product.magnitudes[at] = magnitude;
      }
    }
    return product;
  }

  @Test
  void aProductOverNothingIsZeroOrWhatWasThere() {
    try (Device device = Device.cpu(2);
        Tensors tensors = new Tensors(device)) {
      Tensor c = tensors.normal("c", 3, 5);
      float[] before = c.toFloats();
      for (Transpose ta : Transpose.values()) {
        Tensor a = ta == Transpose.NO ? tensors.empty(3, 0) : tensors.empty(0, 3);
        for (Transpose tb : Transpose.values()) {
          Tensor b = tb == Transpose.NO ? tensors.empty(0, 5) : tensors.empty(5, 0);
          device.gemm(ta, tb, 1f, a, b, 1f, c);
          assertArrayEquals(before, c.toFloats());
          Tensor fresh = tensors.empty(3, 5);
          device.gemm(ta, tb, 1f, a, b, 0f, fresh);
          assertArrayEquals(new float[15], fresh.toFloats());
        }
      }
    }
  }

  @Test
  void repeatedProductsAreTheSameBits() {
    try (Device device = Device.cpu(2);
        Tensors tensors = new Tensors(device)) {
      Tensor a = tensors.normal("a", 207, 67);
      Tensor b = tensors.normal("b", 211, 67);
      float[] first = product(device, tensors, a, b);
      for (int i = 0; i < 20; i++) {
        assertArrayEquals(first, product(device, tensors, a, b));
      }
    }
  }

  private static float[] product(Device device, Tensors tensors, Tensor a, Tensor b) {
    Tensor c = tensors.empty(a.size(0), b.size(0));
    device.gemm(Transpose.NO, Transpose.YES, 1f, a, b, 0f, c);
    return c.toFloats();
  }

  @Test
  void shapesThatDoNotFitAreRefused() {
    try (Device device = Device.cpu(1);
        Device shapes = Device.shapeOnly();
        Tensors tensors = new Tensors(device)) {
      Tensor a = tensors.normal("a", 3, 4);
      Tensor c = tensors.empty(3, 5);
      for (Tensor b : new Tensor[] {tensors.empty(5, 5), tensors.empty(4, 4), tensors.empty(20)}) {
        for (Device any : new Device[] {device, shapes}) {
          assertThrows(
              IllegalStateException.class,
              () -> any.gemm(Transpose.NO, Transpose.NO, 1f, a, b, 0f, c));
        }
      }
    }
  }
}
