package dev.lorikeet.kernel;

import static dev.lorikeet.fixture.Rounding.assertWithin;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.lorikeet.fixture.Tensors;
import dev.lorikeet.kernel.CudaCase.Memory;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.EmulatedCuda;
import dev.lorikeet.torch.LibTorch.Precision;
import dev.lorikeet.torch.ManagedDevice;
import dev.lorikeet.torch.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.function.IntToDoubleFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The CUDA kernels, compiled for the host and started through the real launcher, against the plain
 * formulas in double. Threads and blocks run in two orders, which may not change a bit.
 */
@Tag("native")
final class CudaKernelsTest {
  private static EmulatedCuda cuda;
  private static GpuBesideHost devices;

  @BeforeAll
  static void open() {
    cuda = EmulatedCuda.open(CudaSource.text());
    devices = GpuBesideHost.of(cuda);
  }

  @AfterAll
  static void close() {
    if (devices != null) {
      devices.close();
    }
  }

  static Stream<CudaCase> cases() {
    return Stream.of(CudaCases.all(), CudaUpdateCases.all()).flatMap(List::stream);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void agreesWithThePlainFormula(CudaCase given) {
    Kernels reference = new TorchKernels(Precision.FLOAT64);
    List<float[]> expected = run(given, reference, devices.host());
    Kernels kernels = new CudaKernels(cuda, reference);
    cuda.order(EmulatedCuda.Order.FORWARD);
    List<float[]> actual = run(given, kernels, devices.gpu());
    verify(given, expected, actual);
    cuda.order(EmulatedCuda.Order.REVERSED);
    List<float[]> reversed = run(given, kernels, devices.gpu());
    for (int i = 0; i < actual.size(); i++) {
      assertArrayEquals(actual.get(i), reversed.get(i), given.name() + ", reversed: result " + i);
    }
  }

  /** A GPU cannot refuse; a loss or a state that is no number ends the step. */
  @Test
  void whatIsNotInItsTableGivesNoNumber() {
    CudaKernels kernels = new CudaKernels(cuda, new TorchKernels(Precision.FLOAT64));
    try (Memory memory = new Memory(devices.gpu())) {
      Tensor ids = memory.ints(1, 5, -1);
      Tensor losses = memory.floats(new float[3], 3);
      kernels.crossEntropy(memory.floats(new float[15], 3, 5), ids, losses);
      assertArrayEquals(
          new float[] {(float) Math.log(5), Float.NaN, Float.NaN}, losses.toFloats(), 1e-6f);
      Tensor out = memory.floats(new float[3], 3, 1);
      kernels.gatherRows(memory.floats(new float[5], 5, 1), ids, out);
      assertArrayEquals(new float[] {0, Float.NaN, Float.NaN}, out.toFloats());
      Tensor x = memory.floats(new float[6], 3, 2);
      Tensor angles = memory.floats(new float[5], 5, 1);
      kernels.rope(
          x, Math.toIntExact(2 * angles.size(1)), angles, angles, ids, Kernels.Rotation.FORWARD);
      assertArrayEquals(
          new float[] {0, 0, Float.NaN, Float.NaN, Float.NaN, Float.NaN}, x.toFloats());
      Tensor table = memory.floats(new float[5], 5, 1);
      kernels.scatterAddRows(memory.floats(new float[] {1, 2, 3}, 3, 1), ids, table);
      assertArrayEquals(new float[] {0, 1, 0, 0, 0}, table.toFloats());
    }
  }

  @Test
  void sumOfSquaresStaysOnTheGpuAndGrows() {
    CudaKernels kernels = new CudaKernels(cuda, new TorchKernels(Precision.FLOAT64));
    try (Memory memory = new Memory(devices.gpu())) {
      Tensor x = memory.floats(new float[] {3, 4}, 1, 2);
      Tensor total = memory.keep(CudaGrids.doubles(devices.gpu(), 1));
      kernels.sumOfSquares(x, total, Kernels.Into.REPLACE);
      kernels.sumOfSquares(x, total, Kernels.Into.ADD);
      assertEquals(50.0, total.segment().get(ValueLayout.JAVA_DOUBLE, 0));
    }
  }

  /** Codes are whole numbers: they are the same or wrong. */
  @ParameterizedTest
  @ValueSource(ints = {1, 7, 255, 256, 257, 4097})
  void statesOf8BitsAreThePlainOnesBitForBit(int length) {
    cuda.order(EmulatedCuda.Order.FORWARD);
    CudaKernels kernels = new CudaKernels(cuda, new TorchKernels(Precision.FLOAT64));
    statesOf8BitsAgree(kernels.updates(), devices, length);
  }

  static void statesOf8BitsAgree(UpdateKernels fast, GpuBesideHost devices, int length) {
    Device host = devices.host();
    ManagedDevice gpu = devices.gpu();
    try (Memory here = new Memory(host);
        Memory there = new Memory(gpu);
        QuantizedMoments expected = QuantizedMoments.zeros(host, length);
        QuantizedMoments actual = QuantizedMoments.zeros(gpu, length)) {
      float[] start = Tensors.numbers("p", length);
      Tensor plain = here.floats(start, length);
      Tensor parameter = there.floats(start, length);
      for (int t = 1; t <= 12; t++) {
        AdamWStep step = new AdamWStep(0.03, 0.9, 0.999, 1e-8, 0.2, t);
        float[] gradient = Tensors.numbers("g" + t, length);
        for (int i = 0; i < length; i++) {
          gradient[i] = i / 256 == 1 ? 0f : gradient[i] * (float) Math.pow(10, -(i * t) % 9);
        }
        new PlainUpdates().adamW(plain, here.floats(gradient, length), expected, step);
        fast.adamW(parameter, there.floats(gradient, length), actual, step);
        assertArrayEquals(plain.toFloats(), parameter.toFloats(), "step " + t);
        assertArrayEquals(bytes(expected.mean()), gpu.bytes(actual.mean()), "means");
        assertArrayEquals(bytes(expected.square()), gpu.bytes(actual.square()), "squares");
        assertArrayEquals(expected.meanMax().toFloats(), actual.meanMax().toFloats());
        assertArrayEquals(expected.squareMax().toFloats(), actual.squareMax().toFloats());
      }
    }
  }

  private static byte[] bytes(Tensor tensor) {
    return tensor.segment().toArray(ValueLayout.JAVA_BYTE);
  }

  static List<float[]> run(CudaCase given, Kernels kernels, Device device) {
    try (Memory memory = new Memory(device)) {
      return given.run().results(kernels, memory);
    }
  }

  static void verify(CudaCase given, List<float[]> expected, List<float[]> actual) {
    List<IntToDoubleFunction> bounds = given.bounds().of(expected);
    assertEquals(bounds.size(), actual.size());
    for (int i = 0; i < actual.size(); i++) {
      assertWithin(expected.get(i), actual.get(i), bounds.get(i), given.name() + ": result " + i);
    }
  }
}
