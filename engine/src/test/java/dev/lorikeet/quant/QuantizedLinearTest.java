package dev.lorikeet.quant;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.config.ModelSettings.Quantization;
import dev.lorikeet.fixture.Rounding;
import dev.lorikeet.fixture.Tensors;
import dev.lorikeet.nn.Pass;
import dev.lorikeet.nn.PassOptions;
import dev.lorikeet.nn.Sequences;
import dev.lorikeet.quant.QuantizationScheme.OtherFormats;
import dev.lorikeet.quant.QuantizationScheme.Scales;
import dev.lorikeet.tape.Tape.Mode;
import dev.lorikeet.tape.Var;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;
import dev.lorikeet.torch.TiledMatrix;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Products in tiles are those with the whole weight, and the tiles are small. */
@Tag("native")
final class QuantizedLinearTest {

  private static QuantizationScheme scheme(Quantization format, int blockSize) {
    return new QuantizationScheme(format, Scales.QUANTISED, blockSize, OtherFormats.REFUSED);
  }

  private static QuantizedLinear linear(Tensors tensors, Quantization format, int out, int in) {
    return linear(tensors, format, 64, out, in);
  }

  private static QuantizedLinear linear(
      Tensors tensors, Quantization format, int blockSize, int out, int in) {
    Tensor full = tensors.normal("weight", out, in);
    return new QuantizedLinear(
        "map", Quantizer.quantize(full, scheme(format, blockSize)), Optional.empty());
  }

  private static float[] whole(QuantizedLinear linear, Tensors tensors) {
    Tensor rows = tensors.empty(linear.outFeatures(), linear.inFeatures());
    linear.readRows(0, rows);
    return rows.toFloats();
  }

  @ParameterizedTest
  @CsvSource({
    "NF4, 1, 1, 1, 1",
    "NF4, 3, 5, 7, 2",
    "FP4, 13, 33, 207, 2",
    "INT8, 13, 33, 207, 2",
    "NF4, 200, 40, 24, 2",
    "NF4, 1, 1100, 130, 2",
    "NF4, 2, 600, 5000, 3",
    "INT8, 64, 1100, 60, 2"
  })
  void productsAreThoseWithTheWholeWeight(
      Quantization format, int rows, int out, int in, int threads) {
    try (Device device = Device.cpu(threads);
        Tensors tensors = new Tensors(device);
        QuantizedLinear linear = linear(tensors, format, out, in);
        Pass pass = new Pass(device, Mode.RECORD, Sequences.of(new int[1]), PassOptions.none())) {
      float[] w = whole(linear, tensors);
      Tensor input = tensors.normal("x", rows, in);
      Tensor gradient = tensors.normal("dy", rows, out);
      Var x = pass.tape().leaf(input.retain());
      Var y = linear.forward(pass, x);
      assertProduct(input.toFloats(), w, y.value().toFloats(), rows, out, in);

      pass.tape().backward(y, gradient.retain());
      try (Tensor dx = pass.tape().takeGradient(x)) {
        assertBackward(gradient.toFloats(), w, dx.toFloats(), rows, out, in);
      }
    }
  }

  private static void assertProduct(float[] x, float[] w, float[] y, int rows, int out, int in) {
    assertProduct(x, w, y, rows, out, in, in + 1);
  }

  private static void assertProduct(
      float[] x, float[] w, float[] y, int rows, int out, int in, int roundings) {
    float[] expected = new float[rows * out];
    double[] size = new double[rows * out];
    for (int t = 0; t < rows; t++) {
      for (int o = 0; o < out; o++) {
        double sum = 0;
        for (int i = 0; i < in; i++) {
          double term = (double) x[t * in + i] * w[o * in + i];
          sum += term;
          size[t * out + o] += Math.abs(term);
        }
        expected[t * out + o] = (float) sum;
      }
    }
    Rounding.assertWithin(expected, y, i -> roundings * Rounding.U * size[i], "y");
  }

  private static void assertBackward(float[] dy, float[] w, float[] dx, int rows, int out, int in) {
    float[] expected = new float[rows * in];
    double[] size = new double[rows * in];
    for (int t = 0; t < rows; t++) {
      for (int i = 0; i < in; i++) {
        double sum = 0;
        for (int o = 0; o < out; o++) {
          double term = (double) dy[t * out + o] * w[o * in + i];
          sum += term;
          size[t * in + i] += Math.abs(term);
        }
        expected[t * in + i] = (float) sum;
      }
    }
    Rounding.assertWithin(expected, dx, i -> (out + 1) * Rounding.U * size[i], "dx");
  }

  @ParameterizedTest
  @EnumSource(
      value = Quantization.class,
      names = {"NF4", "FP4", "INT8"})
  void anyRowsAreThoseOfTheWholeWeight(Quantization format) {
    int out = 19;
    int in = 77; // odd, so that rows begin in the middle of bytes, vectors and blocks
    try (Device device = Device.cpu(2);
        Tensors tensors = new Tensors(device);
        QuantizedLinear linear = linear(tensors, format, out, in)) {
      float[] w = whole(linear, tensors);
      for (int first = 0; first < out; first++) {
        for (int count : new int[] {1, 2, out - first}) {
          if (first + count <= out) {
            Tensor rows = tensors.empty(count, in);
            linear.readRows(first, rows);
            float[] expected = java.util.Arrays.copyOfRange(w, first * in, (first + count) * in);
            assertArrayEquals(expected, rows.toFloats(), first + " to " + (first + count));
          }
        }
      }
    }
  }

  @Test
  void adaptersGetRowLengthsAndProducts() {
    int out = 301;
    int in = 77;
    int rank = 5;
    try (Device device = Device.cpu(2);
        Tensors tensors = new Tensors(device);
        QuantizedLinear linear = linear(tensors, Quantization.NF4, out, in)) {
      float[] w = whole(linear, tensors);
      float[] squares = linear.rowSquares();
      for (int o = 0; o < out; o++) {
        double sum = 0;
        for (int i = 0; i < in; i++) {
          sum += (double) w[o * in + i] * w[o * in + i];
        }
        assertEquals((float) sum, squares[o], "row " + o);
      }
      Tensor a = tensors.normal("a", rank, in);
      Tensor product = tensors.empty(rank, out);
      linear.timesTransposed(a, product);
      assertProduct(a.toFloats(), w, product.toFloats(), rank, out, in);
    }
  }

  /**
   * One or two rows are multiplied from the codes: in place of a rounding for each weight there is
   * one for each block or row. Widths with and without whole lanes, words, groups of 64 and blocks.
   */
  @ParameterizedTest
  @CsvSource({
    "1, 3, 64",
    "5, 8, 64",
    "7, 40, 64",
    "33, 72, 64",
    "301, 77, 64",
    "64, 576, 64",
    "19, 64, 64",
    "33, 192, 128",
    "33, 192, 32",
    "5, 1088, 4096",
    "130, 136, 64"
  })
  void fewRowsAreMultipliedFromTheCodes(int out, int in, int blockSize) {
    for (Quantization format :
        new Quantization[] {Quantization.NF4, Quantization.FP4, Quantization.INT8}) {
      for (int threads : new int[] {1, 3}) {
        try (Device device = Device.cpu(threads);
            Tensors tensors = new Tensors(device);
            QuantizedLinear linear = linear(tensors, format, blockSize, out, in)) {
          float[] w = whole(linear, tensors);
          for (int rows : new int[] {1, 2, 3, 8, 9}) {
            Tensor x = tensors.normal("x", rows, in);
            Tensor y = tensors.empty(rows, out);
            linear.timesTransposed(x, y);
            assertProduct(x.toFloats(), w, y.toFloats(), rows, out, in, in + 4);
          }
        }
      }
    }
  }

  @Test
  void theSameThreadsGiveTheSameBytes() {
    float[] first = output();
    assertArrayEquals(first, output());
  }

  private static float[] output() {
    try (Device device = Device.cpu(2);
        Tensors tensors = new Tensors(device);
        QuantizedLinear linear = linear(tensors, Quantization.NF4, 1100, 200);
        Tensor y = device.floats(90, 1100);
        Tensor dx = device.floats(90, 200)) {
      linear.matrix().timesTransposed(1f, tensors.normal("x", 90, 200), 0f, y);
      linear.matrix().times(1f, y, 0f, dx);
      return dx.toFloats();
    }
  }

  @ParameterizedTest
  @CsvSource({"2, 3", "576, 576", "192, 576", "1536, 576", "4096, 11008", "32000, 4096"})
  void aTileIsAtMostHalfOfTheWeight(int out, int in) {
    int rows = TiledMatrix.tileRows(out, in);
    assertTrue(rows >= 1 && rows <= (out + 1) / 2, rows + " of " + out);
    assertTrue((long) rows * in <= Math.max(1L << 21, 32L * in), rows + " rows of " + in);
  }

  @ParameterizedTest
  @EnumSource(
      value = Quantization.class,
      names = {"NF4", "FP4", "INT8"})
  void theShapeOnlyDeviceCountsTheSameBytes(Quantization format) {
    try (Device cpu = Device.cpu(2);
        Device shapes = Device.shapeOnly(2)) {
      assertEquals(counts(cpu, format), counts(shapes, format));
    }
  }

  private record Counts(long level, long peak, long allocations) {}

  private static Counts counts(Device device, Quantization format) {
    try (Tensor full = device.zeros(301, 77);
        QuantizedLinear linear =
            new QuantizedLinear(
                "map", Quantizer.quantize(full, scheme(format, 64)), Optional.empty());
        Tensor x = device.zeros(9, 77);
        Tensor y = device.floats(9, 301)) {
      linear.matrix().timesTransposed(1f, x, 0f, y);
      linear.matrix().times(1f, y, 1f, x);
      assertEquals(301, linear.rowSquares().length);
      return new Counts(
          device.memory().currentBytes(),
          device.memory().peakBytes(),
          device.memory().allocations());
    }
  }
}
