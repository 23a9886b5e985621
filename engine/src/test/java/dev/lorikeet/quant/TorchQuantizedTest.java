package dev.lorikeet.quant;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.lorikeet.config.ModelSettings.Quantization;
import dev.lorikeet.fixture.Rounding;
import dev.lorikeet.fixture.Tensors;
import dev.lorikeet.format.BitsAndBytes;
import dev.lorikeet.kernel.CudaSource;
import dev.lorikeet.quant.QuantizationScheme.OtherFormats;
import dev.lorikeet.quant.QuantizationScheme.Scales;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.EmulatedCuda;
import dev.lorikeet.torch.Tensor;
import dev.lorikeet.torch.TorchDevice;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Weights in few bits where the host does not see the memory: the CPU's codes and numbers. */
@Tag("native")
final class TorchQuantizedTest {

  @ParameterizedTest
  @CsvSource({
    "NF4, QUANTISED, 1, 1, 1, false",
    "NF4, PLAIN, 3, 7, 5, false",
    "FP4, QUANTISED, 33, 207, 13, false",
    "FP4, PLAIN, 40, 24, 3, false",
    "NF4, QUANTISED, 700, 60, 9, false",
    "INT8, PLAIN, 33, 207, 13, false",
    "NF4, PLAIN, 3, 7, 5, true",
    "FP4, QUANTISED, 33, 207, 13, true",
    "INT8, PLAIN, 33, 207, 3, true"
  })
  void codesNumbersAndProductsAreThoseOfTheCpu(
      Quantization format, Scales scales, int out, int in, int height, boolean kernels) {
    QuantizationScheme scheme = new QuantizationScheme(format, scales, 64, OtherFormats.REFUSED);
    try (Device cpu = Device.cpu(1);
        TorchDevice torch =
            TorchDevice.standIn(
                kernels ? Optional.of(EmulatedCuda.open(CudaSource.text())) : Optional.empty());
        Tensors tensors = new Tensors(cpu);
        QuantizedLinear here = linear(tensors, scheme, out, in, cpu);
        QuantizedLinear there = linear(tensors, scheme, out, in, torch)) {
      assertSameFiles(here, there);
      assertEquals(here.weight().bytes(), there.weight().bytes());
      float[] w = rows(here, cpu, 0, out);
      assertArrayEquals(w, rows(there, torch, 0, out));
      assertArrayEquals(
          rows(here, cpu, out / 2, out - out / 2), rows(there, torch, out / 2, out - out / 2));
      assertProducts(here, there, w, height, torch);
    }
  }

  private static QuantizedLinear linear(
      Tensors tensors, QuantizationScheme scheme, int out, int in, Device device) {
    Tensor full = tensors.normal("weight", out, in);
    return new QuantizedLinear(
        "map", Quantizer.quantize(full, scheme).movedTo(device), Optional.empty());
  }

  private static void assertSameFiles(QuantizedLinear expected, QuantizedLinear actual) {
    assertEquals(bytes(expected), bytes(actual));
  }

  /** By tensor in bitsandbytes' layout. */
  private static Map<String, List<Byte>> bytes(QuantizedLinear linear) {
    Map<String, List<Byte>> bytes = new TreeMap<>();
    BitsAndBytes.tensors("w.weight", linear.weight().stored())
        .forEach((name, data) -> {
          List<Byte> list = new ArrayList<>();
          for (byte value : data.bytes().toArray(ValueLayout.JAVA_BYTE)) {
            list.add(value);
          }
          bytes.put(name, list);
        });
    return bytes;
  }

  private static float[] rows(QuantizedLinear linear, Device device, int first, int count) {
    try (Tensor rows = device.floats(count, linear.inFeatures())) {
      linear.readRows(first, rows);
      return rows.toFloats();
    }
  }

  /** x·Wᵀ into garbage, and y·W added to what is there. */
  private static void assertProducts(
      QuantizedLinear here, QuantizedLinear there, float[] w, int height, TorchDevice torch) {
    int out = here.outFeatures();
    int in = here.inFeatures();
    float[] x = Tensors.numbers("x", height * in);
    float[] dy = Tensors.numbers("dy", height * out);
    try (Tensor xs = torch.floats(height, in).copyFrom(x);
        Tensor dys = torch.floats(height, out).copyFrom(dy);
        Tensor y = torch.floats(height, out);
        Tensor dx = torch.floats(height, in).copyFrom(x)) {
      there.timesTransposed(xs, y);
      verify(y.toFloats(), height, out, in, (t, o, i) -> (double) x[t * in + i] * w[o * in + i]);
      there.matrix().times(1f, dys, 1f, dx);
      float[] added = dx.toFloats();
      for (int i = 0; i < added.length; i++) {
        added[i] -= x[i];
      }
      verify(added, height, in, out, (t, i, o) -> (double) dy[t * out + o] * w[o * in + i]);
    }
  }

  /** A term of a sum. */
  private interface Term {
    double of(int row, int column, int k);
  }

  private static void verify(float[] actual, int rows, int columns, int depth, Term term) {
    float[] expected = new float[actual.length];
    double[] size = new double[actual.length];
    for (int t = 0; t < rows; t++) {
      for (int c = 0; c < columns; c++) {
        double sum = 0;
        for (int k = 0; k < depth; k++) {
          sum += term.of(t, c, k);
          size[t * columns + c] += Math.abs(term.of(t, c, k));
        }
        expected[t * columns + c] = (float) sum;
      }
    }
    // A rounding a product and an addition, and those of adding x and taking it off again.
    Rounding.assertWithin(
        expected, actual, i -> Rounding.U * ((2 * depth + 4) * size[i] + 16), "product");
  }
}
