package dev.lorikeet.kernel;

import static dev.lorikeet.fixture.Rounding.U;
import static dev.lorikeet.fixture.Rounding.assertWithin;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.lorikeet.fixture.Fixture;
import dev.lorikeet.fixture.Tensors;
import dev.lorikeet.kernel.Kernels.Rotation;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.LibTorch.Precision;
import dev.lorikeet.torch.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

@Tag("native")
final class RopeKernelTest {

  private record Tables(Tensor cos, Tensor sin, Tensor positions) {}

  @ParameterizedTest
  @CsvSource({"1,1,2", "7,2,14", "13,3,26", "64,1,414", "300,9,64"})
  void agreesWithThePlainFormula(int rows, int heads, int headDim) {
    try (Device device = Device.cpu(2);
        Tensors tensors = new Tensors(device)) {
      double[] frequencies = new double[headDim / 2];
      Arrays.setAll(frequencies, i -> Math.pow(10000, -2.0 * i / headDim));
      int[] positions = tensors.ids("positions", rows, 100).segment().toArray(ValueLayout.JAVA_INT);
      Tables tables = tables(tensors, frequencies, positions);
      float[] x = Tensors.numbers("x", rows * heads * headDim);
      for (Rotation rotation : Rotation.values()) {
        Tensor expected = tensors.of(x, rows, (long) heads * headDim);
        new TorchKernels(Precision.FLOAT64)
            .rope(expected, headDim, tables.cos, tables.sin, tables.positions, rotation);
        verify(device, tensors, tables, x, expected, rotation, headDim);
      }
    }
  }

  @Test
  @Tag("reference")
  void agreesWithTheGoldenCases() {
    try (Device device = Device.cpu(2);
        Fixture golden = new Fixture("kernels/rope.safetensors");
        Tensors tensors = new Tensors(device)) {
      for (JsonNode setting : Fixture.json("kernels/rope.json")) {
        String name = setting.get("name").asString();
        int rows = setting.get("rows").asInt();
        int headDim = setting.get("head_dim").asInt();
        long width = (long) setting.get("heads").asInt() * headDim;
        double[] frequencies =
            setting
                .get("inverse_frequencies")
                .valueStream()
                .mapToDouble(JsonNode::asDouble)
                .toArray();
        Tables tables = tables(tensors, frequencies, Fixture.ints(setting.get("positions")));
        Tensor y = tensors.keep(golden.tensor(device, name + ".y", rows, width));
        Tensor dx = tensors.keep(golden.tensor(device, name + ".dx", rows, width));
        verify(device, tensors, tables, golden.floats(name + ".x"), y, Rotation.FORWARD, headDim);
        verify(
            device, tensors, tables, golden.floats(name + ".dy"), dx, Rotation.BACKWARD, headDim);
      }
    }
  }

  @Test
  void positionBehindTheTableIsRefused() {
    try (Device device = Device.cpu(1);
        Tensors tensors = new Tensors(device)) {
      Tables tables = tables(tensors, new double[] {1}, new int[] {3});
      Tensor x = tensors.normal("x", 1, 2);
      Tensor late = tensors.ints(4);
      assertThrows(
          IllegalStateException.class,
          () -> Kernels.of(device).rope(x, 2, tables.cos, tables.sin, late, Rotation.FORWARD));
    }
  }

  /** Two products and a sum, from tables that were rounded: 4 roundings of |a| + |b|. */
  private static void verify(
      Device device,
      Tensors tensors,
      Tables tables,
      float[] x,
      Tensor expected,
      Rotation rotation,
      int headDim) {
    int half = headDim / 2;
    for (Kernels kernels : new Kernels[] {Kernels.of(device), Kernels.reference(device)}) {
      Tensor turned = tensors.of(x, expected.shape());
      kernels.rope(turned, headDim, tables.cos, tables.sin, tables.positions, rotation);
      assertWithin(
          expected.toFloats(),
          turned.toFloats(),
          i -> {
            int partner = i % headDim < half ? i + half : i - half;
            return 4 * U * (Math.abs(x[i]) + Math.abs(x[partner]));
          },
          kernels.getClass().getSimpleName() + " " + rotation + " of heads of " + headDim);
    }
  }

  private static Tables tables(Tensors tensors, double[] frequencies, int[] positions) {
    int count = Arrays.stream(positions).max().orElse(0) + 1;
    float[] cos = new float[count * frequencies.length];
    float[] sin = new float[count * frequencies.length];
    for (int i = 0; i < cos.length; i++) {
      int position = i / frequencies.length;
      double angle = position * frequencies[i % frequencies.length];
      cos[i] = (float) Math.cos(angle);
      sin[i] = (float) Math.sin(angle);
    }
    return new Tables(
        tensors.of(cos, count, frequencies.length),
        tensors.of(sin, count, frequencies.length),
        tensors.ints(positions));
  }
}
