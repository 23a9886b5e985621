package dev.lorikeet.kernel;

import dev.lorikeet.kernel.CudaMagnitudeCases.Map;
import dev.lorikeet.torch.EmulatedCuda;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The kernels of weight decomposition, emulated on the host, over every form of a weight. */
@Tag("native")
final class CudaMagnitudesTest {
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

  static Stream<Map> maps() {
    return CudaMagnitudeCases.maps().stream();
  }

  @ParameterizedTest
  @MethodSource("maps")
  void normsAreThoseOfTheNumbers(Map map) {
    for (EmulatedCuda.Order order : EmulatedCuda.Order.values()) {
      cuda.order(order);
      CudaMagnitudeCases.normsAgree(devices, map);
    }
  }

  @ParameterizedTest
  @MethodSource("maps")
  void rowsWithSmallFactorsMultiplyTheirWeightAgain(Map map) {
    for (EmulatedCuda.Order order : EmulatedCuda.Order.values()) {
      cuda.order(order);
      CudaMagnitudeCases.weakRowsAgree(devices, map);
    }
  }

  @Test
  void squaresOfRowsAreSummedInDouble() {
    CudaMagnitudeCases.squaresAgree(devices);
  }

  @Test
  void vectorsAreThoseOfJavaBitForBit() {
    CudaMagnitudeCases.vectorsAgree(devices);
  }
}
