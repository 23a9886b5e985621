package dev.lorikeet.kernel;

import static dev.lorikeet.fixture.Rounding.U;
import static dev.lorikeet.fixture.Rounding.assertWithin;

import dev.lorikeet.fixture.Fixture;
import dev.lorikeet.fixture.Tensors;
import dev.lorikeet.kernel.Kernels.Into;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.LibTorch.Precision;
import dev.lorikeet.torch.Tensor;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

@Tag("native")
final class NormKernelTest {

  private record Given(Tensor x, Tensor weight, Tensor dy, double eps) {}

  @SuppressWarnings("ArrayRecordComponent") // only carries them, is never compared
  private record Expected(float[] y, float[] dx, float[] dWeight) {}

  @ParameterizedTest
  @CsvSource({"1,1", "7,1", "1,7", "7,13", "13,64", "3,207", "300,576"})
  void agreesWithThePlainFormula(int rows, int width) {
    try (Device device = Device.cpu(2);
        Tensors tensors = new Tensors(device)) {
      Given given =
          new Given(
              tensors.normal("x", rows, width),
              tensors.normal("weight", width),
              tensors.normal("dy", rows, width),
              1e-5);
      Expected expected = run(tensors, new TorchKernels(Precision.FLOAT64), given, Into.REPLACE);
      verify(tensors, Kernels.of(device), given, expected, rows + "x" + width);
      verify(tensors, Kernels.reference(device), given, expected, "float32 libtorch");
    }
  }

  @Test
  @Tag("reference")
  void agreesWithTheGoldenCases() {
    try (Device device = Device.cpu(2);
        Fixture golden = new Fixture("kernels/rms_norm.safetensors");
        Tensors tensors = new Tensors(device)) {
      for (JsonNode setting : Fixture.json("kernels/rms_norm.json")) {
        String name = setting.get("name").asString();
        Given given =
            new Given(
                tensors.keep(golden.tensor(device, name + ".x")),
                tensors.keep(golden.tensor(device, name + ".weight")),
                tensors.keep(golden.tensor(device, name + ".dy")),
                setting.get("eps").asDouble());
        Expected expected =
            new Expected(
                golden.floats(name + ".y"),
                golden.floats(name + ".dx"),
                golden.floats(name + ".dweight"));
        verify(tensors, Kernels.of(device), given, expected, name);
        verify(tensors, Kernels.reference(device), given, expected, name + " in libtorch");
      }
    }
  }

  /**
   * A row's sum of squares runs in 16 lanes: width/16 terms, 4 additions, up to 15 terms of the
   * tail; libtorch sums in at least as many. The square root halves its error; the result's three
   * more roundings: r errs by c·U with c = (width/16 + 19)/2 + 3. y = x·r·w adds two. dx is the sum
   * of dy·w·r and x·r³·m/width: the mean m of width terms, 8 lanes, two roundings a term.
   */
  private static void verify(
      Tensors tensors, Kernels kernels, Given given, Expected expected, String what) {
    int rows = Math.toIntExact(given.x.size(0));
    int width = Math.toIntExact(given.x.size(1));
    double c = (width / 16.0 + 19) / 2 + 3;
    Expected actual = run(tensors, kernels, given, Into.REPLACE);
    assertWithin(expected.y, actual.y, i -> (c + 2) * U * Math.abs(expected.y[i]), what + ": y");
    double[] magnitude = dxMagnitude(given, rows, width);
    double dxTerms = width / 8.0 + 14 + 3 * c + 6;
    assertWithin(expected.dx, actual.dx, i -> dxTerms * U * magnitude[i], what + ": dx");
    double[] sums = weightMagnitude(given, rows, width);
    assertWithin(
        expected.dWeight, actual.dWeight, i -> (rows + c + 3) * U * sums[i], what + ": dWeight");
    Expected added = run(tensors, kernels, given, Into.ADD);
    float[] before = Tensors.numbers("before", rows * width);
    float[] sum = new float[before.length];
    for (int i = 0; i < sum.length; i++) {
      sum[i] = before[i] + expected.dx[i];
    }
    assertWithin(
        sum,
        added.dx,
        i -> dxTerms * U * magnitude[i] + 2 * U * Math.abs(sum[i]),
        what + ": dx added");
  }

  private static Expected run(Tensors tensors, Kernels kernels, Given given, Into into) {
    Tensor y = tensors.empty(given.x.shape());
    Tensor rstd = tensors.empty(given.x.size(0));
    Tensor dx = tensors.empty(given.x.shape());
    Tensor dWeight = tensors.empty(given.weight.shape()).zero();
    if (into == Into.ADD) {
      dx.copyFrom(Tensors.numbers("before", Math.toIntExact(dx.elements())));
    }
    kernels.rmsNorm(given.x, given.weight, given.eps, y, rstd);
    kernels.rmsNormBackward(given.dy, given.x, given.weight, rstd, dx, into);
    kernels.rmsNormWeightGradient(given.dy, given.x, rstd, dWeight);
    return new Expected(y.toFloats(), dx.toFloats(), dWeight.toFloats());
  }

  /** |dy·w|·r + |x|·r³·mean|w·dy·x|. */
  private static double[] dxMagnitude(Given given, int rows, int width) {
    float[] x = given.x.toFloats();
    float[] w = given.weight.toFloats();
    float[] dy = given.dy.toFloats();
    double[] magnitude = new double[x.length];
    for (int t = 0; t < rows; t++) {
      double r = rstd(x, t, width, given.eps);
      double mean = 0;
      for (int i = 0; i < width; i++) {
        mean += Math.abs((double) w[i] * dy[t * width + i] * x[t * width + i]) / width;
      }
      for (int i = 0; i < width; i++) {
        int at = t * width + i;
        magnitude[at] = Math.abs(dy[at] * w[i]) * r + Math.abs(x[at]) * r * r * r * mean;
      }
    }
    return magnitude;
  }

  /** Σₜ |dy·x|·r. */
  private static double[] weightMagnitude(Given given, int rows, int width) {
    float[] x = given.x.toFloats();
    float[] dy = given.dy.toFloats();
    double[] sums = new double[width];
    for (int t = 0; t < rows; t++) {
      double r = rstd(x, t, width, given.eps);
      for (int i = 0; i < width; i++) {
        sums[i] += Math.abs((double) x[t * width + i] * dy[t * width + i]) * r;
      }
    }
    return sums;
  }

  private static double rstd(float[] x, int row, int width, double eps) {
    double squares = 0;
    for (int i = 0; i < width; i++) {
      squares += (double) x[row * width + i] * x[row * width + i];
    }
    return 1 / Math.sqrt(squares / width + eps);
  }
}
