package dev.lorikeet.kernel;

import dev.lorikeet.torch.CudaLauncher;
import dev.lorikeet.torch.CudaLibraries;
import dev.lorikeet.torch.TorchDevice;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Flash attention and products of two bytes on a GPU. */
@Tag("gpu")
final class TorchOnGpuTest {
  @TempDir private static Path cache;

  @BeforeAll
  static void requireGpu() {
    Assumptions.assumeTrue(
        TorchDevice.isCudaLikely(), "libtorch on a GPU needs an NVIDIA GPU and libtorch for CUDA");
  }

  @TestFactory
  Stream<DynamicTest> libtorchAgreesWithTheFormulas() {
    CudaLibraries libraries = CudaLibraries.ofThisMachine();
    int architecture;
    try (CudaLauncher launcher = CudaLauncher.open(libraries, 0, CudaSource.text(), cache)) {
      architecture = launcher.architecture();
    }
    return new TorchGpuCases(libraries, cache)
        .checks(architecture).entrySet().stream()
            .map(check -> DynamicTest.dynamicTest(check.getKey(), check.getValue()::run));
  }
}
