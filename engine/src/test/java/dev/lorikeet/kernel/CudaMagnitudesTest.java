package dev.lorikeet.kernel;

import dev.lorikeet.kernel.CudaMagnitudeCases.Map;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.EmulatedCuda;
import dev.lorikeet.torch.ManagedDevice;
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
  private static ManagedDevice gpu;
  private static Device host;

  @BeforeAll
  static void open() {
    cuda = EmulatedCuda.open(CudaSource.text());
    gpu = new ManagedDevice(cuda.libraries(), cuda);
    host = Device.cpu(1);
  }

  @AfterAll
  static void close() {
    if (host != null) {
      host.close();
      gpu.close();
      cuda.close();
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
      CudaMagnitudeCases.normsAgree(cuda, gpu, host, map);
    }
  }

  @ParameterizedTest
  @MethodSource("maps")
  void rowsWithSmallFactorsMultiplyTheirWeightAgain(Map map) {
    for (EmulatedCuda.Order order : EmulatedCuda.Order.values()) {
      cuda.order(order);
      CudaMagnitudeCases.weakRowsAgree(cuda, gpu, host, map);
    }
  }

  @Test
  void squaresOfRowsAreSummedInDouble() {
    CudaMagnitudeCases.squaresAgree(cuda, gpu);
  }

  @Test
  void vectorsAreThoseOfJavaBitForBit() {
    CudaMagnitudeCases.vectorsAgree(cuda, gpu);
  }
}
