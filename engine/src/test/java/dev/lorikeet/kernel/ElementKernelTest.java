package dev.lorikeet.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.lorikeet.fixture.Tensors;
import dev.lorikeet.kernel.Kernels.Into;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.LibTorch.Precision;
import dev.lorikeet.torch.Rng;
import dev.lorikeet.torch.Tensor;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("native")
final class ElementKernelTest {

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 13, 64, 207, 300 * 576})
  void additionAndScalingAreOneRoundingEach(int length) {
    try (Device device = Device.cpu(2);
        Tensors tensors = new Tensors(device)) {
      Tensor x = tensors.normal("x", length);
      Tensor start = tensors.normal("start", length);
      for (Kernels kernels : new Kernels[] {Kernels.of(device), Kernels.reference(device)}) {
        Tensor target = tensors.copy(start);
        kernels.add(x, target);
        kernels.scale(target, 0.3f);
        float[] a = start.toFloats();
        float[] b = x.toFloats();
        float[] expected = new float[length];
        for (int i = 0; i < length; i++) {
          expected[i] = (a[i] + b[i]) * 0.3f;
        }
        assertArrayEquals(expected, target.toFloats(), kernels.getClass().getSimpleName());
      }
    }
  }

  /** Products and sums of doubles: n·2⁻⁵³ of a sum of squares. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 7, 13, 4096, 4097, 300 * 576})
  void sumOfSquaresIsADouble(int length) {
    try (Device device = Device.cpu(2);
        Tensors tensors = new Tensors(device)) {
      Tensor x = tensors.normal("x", length);
      double expected = new TorchKernels(Precision.FLOAT64).sumOfSquares(x);
      double bound = length * 0x1p-53 * expected;
      assertEquals(expected, Kernels.of(device).sumOfSquares(x), bound);
    }
  }

  @ParameterizedTest
  @CsvSource({"1,1,0.5", "7,13,0.1", "13,207,0.9", "64,64,0", "300,576,0.05", "3,7,0.999999"})
  void dropoutFollowsItsDefinition(int rows, int width, double rate) {
    try (Device device = Device.cpu(2);
        Tensors tensors = new Tensors(device)) {
      int[] keys = keys(rows);
      DropoutMask mask = new DropoutMask(rate, tensors.ints(keys));
      Tensor x = tensors.normal("x", rows, width);
      Tensor before = tensors.normal("before", rows, width);
      float[] replaced = x.toFloats();
      float[] added = before.toFloats();
      long threshold = (long) Math.floor(rate * 0x1p32);
      float scale = (float) (1 / (1 - rate));
      for (int i = 0; i < replaced.length; i++) {
        long hash = Integer.toUnsignedLong(DropoutMask.hash(keys[i / width], i % width));
        replaced[i] = hash >= threshold ? replaced[i] * scale : 0f;
        added[i] = replaced[i] + added[i];
      }
      for (Kernels kernels : new Kernels[] {Kernels.of(device), Kernels.reference(device)}) {
        String name = kernels.getClass().getSimpleName();
        Tensor out = tensors.empty(rows, width);
        kernels.dropout(x, mask, out, Into.REPLACE);
        assertArrayEquals(replaced, zeroesUnsigned(out), name + " replacing");
        Tensor sum = tensors.copy(before);
        kernels.dropout(x, mask, sum, Into.ADD);
        assertArrayEquals(added, zeroesUnsigned(sum), name + " adding");
      }
    }
  }

  /** −0 and 0 are the same dropped element. */
  private static float[] zeroesUnsigned(Tensor tensor) {
    float[] values = tensor.toFloats();
    for (int i = 0; i < values.length; i++) {
      values[i] += 0f;
    }
    return values;
  }

  /**
   * n independent draws of rate p are off by more than 5·√(p(1−p)/n) once in two million; the seed
   * is fixed, so the test does not depend on luck. Rows, columns and neighbours are looked at too,
   * because a weak hash fails there first.
   */
  @ParameterizedTest
  @ValueSource(doubles = {0.05, 0.1, 0.5, 0.9})
  void dropoutDropsItsShareEverywhere(double rate) {
    int rows = 1024;
    int width = 1024;
    int[] keys = keys(rows);
    DropoutMask mask;
    try (Device device = Device.cpu(1);
        Tensors tensors = new Tensors(device)) {
      mask = new DropoutMask(rate, tensors.ints(keys));
    }
    long all = 0;
    long pairs = 0;
    int[] columns = new int[width];
    for (int t = 0; t < rows; t++) {
      int row = 0;
      boolean previous = false;
      for (int i = 0; i < width; i++) {
        int hash = DropoutMask.hash(keys[t], i);
        boolean dropped = Integer.compareUnsigned(hash, mask.threshold()) < 0;
        row += dropped ? 1 : 0;
        columns[i] += dropped ? 1 : 0;
        pairs += dropped && previous ? 1 : 0;
        previous = dropped;
      }
      all += row;
      assertShare(rate, row, width, "row " + t);
    }
    for (int i = 0; i < width; i++) {
      assertShare(rate, columns[i], rows, "column " + i);
    }
    assertShare(rate, all, (long) rows * width, "all");
    assertShare(rate * rate, pairs, (long) rows * (width - 1), "neighbours");
  }

  private static void assertShare(double rate, long dropped, long draws, String where) {
    double deviation = Math.sqrt(rate * (1 - rate) / draws);
    assertEquals(rate, (double) dropped / draws, 5 * deviation, where);
  }

  @Test
  void dropoutRatesOutsideTheUnitIntervalAreRefused() {
    try (Device device = Device.cpu(1);
        Tensors tensors = new Tensors(device)) {
      Tensor keys = tensors.ints(1);
      for (double rate : new double[] {-0.1, 1, Double.NaN}) {
        assertThrows(IllegalStateException.class, () -> new DropoutMask(rate, keys));
      }
    }
  }

  private static int[] keys(int rows) {
    int[] keys = new int[rows];
    for (int t = 0; t < rows; t++) {
      keys[t] = (int) (Rng.mix(7, t) >>> 32);
    }
    return keys;
  }
}
