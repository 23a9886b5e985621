package dev.lorikeet.kernel;

import dev.lorikeet.torch.CudaLibraries;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** The cases of {@link CudaKernelsTest} and {@link CudaWeightsTest} on a GPU. */
@Tag("gpu")
final class CudaOnGpuTest {
  @TempDir private static Path cache;
  private static GpuBesideHost devices;

  @BeforeAll
  static void open() {
    CudaLibraries libraries = CudaLibraries.ofThisMachine();
    Assumptions.assumeTrue(
        Files.exists(Path.of("/dev/nvidia0")) && libraries.find(CudaLibraries.DRIVER).isPresent(),
        "kernels on a GPU need an NVIDIA GPU and its driver");
    devices = CudaCheck.onGpu(cache);
  }

  @AfterAll
  static void close() {
    if (devices != null) {
      devices.close();
    }
  }

  @TestFactory
  Stream<DynamicTest> everyKernelAgreesWithItsReference() {
    return CudaCheck.checks(devices).entrySet().stream()
        .map(check -> DynamicTest.dynamicTest(check.getKey(), check.getValue()::run));
  }
}
