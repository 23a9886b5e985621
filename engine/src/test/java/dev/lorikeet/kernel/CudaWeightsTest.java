package dev.lorikeet.kernel;

import dev.lorikeet.kernel.CudaFourBit.Factors;
import dev.lorikeet.kernel.CudaWeightCases.Shape;
import dev.lorikeet.torch.EmulatedCuda;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Weights in few bits by the CUDA kernels, emulated on the host, tensor cores included. */
@Tag("native")
final class CudaWeightsTest {
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

  static Stream<Shape> shapes() {
    return CudaWeightCases.shapes().stream();
  }

  @ParameterizedTest
  @MethodSource("shapes")
  void fourBitsAreTheNumbersOfTheCpu(Shape shape) {
    CudaWeightCases.numbersAgree(devices, shape);
  }

  @ParameterizedTest
  @MethodSource("shapes")
  void productsAreThoseOfTheNumbers(Shape shape) {
    for (Factors factors : Factors.values()) {
      for (EmulatedCuda.Order order : EmulatedCuda.Order.values()) {
        cuda.order(order);
        CudaWeightCases.productsAgree(devices, shape, factors);
      }
    }
  }

  @Test
  void bytesAreTheNumbersOfTheCpu() {
    CudaWeightCases.bytesAgree(devices);
  }
}
