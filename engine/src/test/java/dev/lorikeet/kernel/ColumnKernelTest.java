package dev.lorikeet.kernel;

import static dev.lorikeet.fixture.Rounding.U;
import static dev.lorikeet.fixture.Rounding.assertWithin;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.lorikeet.fixture.Tensors;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.LibTorch.Precision;
import dev.lorikeet.torch.Tensor;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Tag("native")
final class ColumnKernelTest {

  @ParameterizedTest
  @CsvSource({"1,1", "7,13", "13,64", "64,207", "300,576"})
  void agreesWithThePlainFormula(int rows, int width) {
    try (Device device = Device.cpu(2);
        Tensors tensors = new Tensors(device)) {
      Tensor y = tensors.normal("y", rows, width);
      Tensor dy = tensors.normal("dy", rows, width);
      Tensor sums = tensors.normal("sums", width);
      Tensor factor = tensors.normal("factor", width);
      Tensor shift = tensors.normal("shift", width);
      Kernels exact = new TorchKernels(Precision.FLOAT64);
      for (Kernels kernels : new Kernels[] {Kernels.of(device), Kernels.reference(device)}) {
        forward(tensors, kernels, exact, factor, shift, y);
        backward(tensors, kernels, exact, y, shift, factor, dy, sums);
      }
    }
  }

  private static void forward(
      Tensors tensors, Kernels kernels, Kernels exact, Tensor factor, Tensor shift, Tensor y) {
    Tensor expected = tensors.copy(y);
    Tensor actual = tensors.copy(y);
    exact.scaleColumns(factor, shift, expected);
    kernels.scaleColumns(factor, shift, actual);
    float[] x = y.toFloats();
    float[] c = factor.toFloats();
    float[] values = expected.toFloats();
    // Fused: one rounding. As two operations, the product's rounding comes on top.
    assertWithin(
        values,
        actual.toFloats(),
        i -> U * (Math.abs(values[i]) + Math.abs((double) x[i] * c[i % c.length])),
        "scaleColumns");
  }

  private static void backward(
      Tensors tensors,
      Kernels kernels,
      Kernels exact,
      Tensor y,
      Tensor offset,
      Tensor factor,
      Tensor dy,
      Tensor sums) {
    Tensor expectedSums = tensors.copy(sums);
    Tensor expected = tensors.copy(dy);
    exact.scaleColumnsBackward(y, offset, factor, expected, expectedSums);
    Tensor actualSums = tensors.copy(sums);
    Tensor actual = tensors.copy(dy);
    kernels.scaleColumnsBackward(y, offset, factor, actual, actualSums);
    float[] scaled = expected.toFloats();
    assertWithin(scaled, actual.toFloats(), i -> U * Math.abs(scaled[i]), "dy");
    double[] sizes = sizes(y, offset, dy, sums);
    // Each term is rounded as a difference and as a product, and then `rows` times as a sum.
    assertWithin(
        expectedSums.toFloats(),
        actualSums.toFloats(),
        i -> (y.size(0) + 2) * U * sizes[i],
        "sums");
  }

  private static double[] sizes(Tensor y, Tensor offset, Tensor dy, Tensor sums) {
    float[] values = y.toFloats();
    float[] less = offset.toFloats();
    float[] upstream = dy.toFloats();
    float[] start = sums.toFloats();
    double[] sizes = new double[start.length];
    for (int i = 0; i < sizes.length; i++) {
      sizes[i] = Math.abs(start[i]);
      for (int at = i; at < values.length; at += sizes.length) {
        sizes[i] += Math.abs(upstream[at] * ((double) values[at] - less[i]));
      }
    }
    return sizes;
  }

  @Test
  void factorOneAndNothingAddedChangeNoBit() {
    float[] values = {1f, -0f, 0f, Float.MIN_VALUE, -3e38f, 0.1f, 5f, -7f, -0f, 0f, 2f};
    float[] ones = new float[values.length];
    float[] nothing = new float[values.length];
    java.util.Arrays.fill(ones, 1f);
    java.util.Arrays.fill(nothing, -0f);
    try (Device device = Device.cpu(1);
        Tensors tensors = new Tensors(device)) {
      Tensor target = tensors.of(values, 1, values.length);
      Kernels.of(device)
          .scaleColumns(
              tensors.of(ones, values.length), tensors.of(nothing, values.length), target);
      assertArrayEquals(values, target.toFloats());
    }
  }
}
