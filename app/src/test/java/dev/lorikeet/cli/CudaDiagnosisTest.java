package dev.lorikeet.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.cli.Check.Verdict;
import dev.lorikeet.cli.CudaDiagnosis.Build;
import dev.lorikeet.torch.CudaLibraries;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What doctor says of GPUs, from what nvidia-smi prints and from folders that look like CUDA's. */
final class CudaDiagnosisTest {
  private static final String H100 = "NVIDIA H100 80GB HBM3, 81559 MiB, 580.65.06, 9.0";

  @TempDir private Path root;

  private void install(String folder, String... files) throws IOException {
    Path lib = Files.createDirectories(root.resolve(folder));
    for (String file : files) {
      Files.createFile(lib.resolve(file));
    }
  }

  private List<Check> checks(Build build, String... lines) {
    CudaLibraries libraries = CudaLibraries.of(Map.of(), root);
    return CudaDiagnosis.of(CudaProbe.found(List.of(lines), false, libraries), build);
  }

  private static String text(List<Check> checks, String name) {
    return checks.stream()
        .filter(check -> check.name().equals(name))
        .map(check -> check.verdict() + " " + check.found() + ". " + check.advice())
        .collect(Collectors.joining());
  }

  @Test
  void withoutAGpuThereIsOneLine() {
    List<Check> checks = checks(Build.CPU);
    assertEquals(1, checks.size());
    assertEquals("OK no NVIDIA GPU found. Training runs on the CPU.", text(checks, "CUDA"));
  }

  @Test
  void wholeInstallationIsGood() throws IOException {
    install("usr/local/cuda-13.0/lib64", "libcudart.so.13", "libnvrtc.so.13");
    install("usr/local/cuda-13.0/lib", CudaLibraries.TORCH.toArray(String[]::new));
    install("usr/lib/x86_64-linux-gnu", "libcudnn.so.9");
    List<Check> checks = checks(Build.CUDA, H100);
    assertEquals(
        Set.of(Verdict.OK), checks.stream().map(Check::verdict).collect(Collectors.toSet()));
    assertEquals(
        "OK NVIDIA H100 80GB HBM3, 81559 MiB, compute capability 9.0. Computes in bfloat16.",
        text(checks, "GPU"));
    assertTrue(
        text(checks, "CUDA 13").contains("cuda-13.0/lib64/libcudart.so.13"),
        text(checks, "CUDA 13"));
  }

  @Test
  void everythingMissingIsNamedAndNothingIsFatal() {
    List<Check> checks = checks(Build.CPU, "NVIDIA A10, 23028 MiB, 535.183.01, 8.6");
    assertTrue(checks.stream().noneMatch(check -> check.verdict() == Verdict.FAIL));
    assertEquals(
        "WARN 535.183.01. CUDA 13 needs 580 or later: update the driver.",
        text(checks, "NVIDIA driver"));
    assertEquals(
        "WARN no libcudart.so.13 found. Install CUDA 13, or set CUDA_HOME to it.",
        text(checks, "CUDA 13"));
    assertEquals(
        "WARN no libcudnn.so.9 found. Install cuDNN 9 for CUDA 13.", text(checks, "cuDNN 9"));
    assertTrue(text(checks, "NVRTC").startsWith("WARN no libnvrtc.so.13 found"));
    assertTrue(
        text(checks, "CUDA libraries").contains("libcupti.so.13, libnccl.so.2. libtorch for CUDA"));
    assertTrue(text(checks, "CUDA build").contains("LORIKEET_CUDA=1 ./lorikeet doctor"));
  }

  @Test
  void compilerOfCuda12WillDo() throws IOException {
    install("usr/local/cuda/lib64", "libnvrtc.so.12");
    assertTrue(text(checks(Build.CPU, H100), "NVRTC").startsWith("OK "));
  }

  @Test
  void oldGpusAreTold() {
    assertEquals(
        "WARN Tesla V100-SXM2-16GB, 16384 MiB, compute capability 7.0. CUDA 13 supports 7.5 and"
            + " newer, and no longer this one (as the V100): it is planned for and not run on."
            + " Train on the CPU.",
        text(checks(Build.CPU, "Tesla V100-SXM2-16GB, 16384 MiB, 580.65.06, 7.0"), "GPU"));
    assertTrue(
        text(checks(Build.CPU, "Tesla T4, 15360 MiB, 580.65.06, 7.5"), "GPU")
            .endsWith("Computes in float16, with loss scaling."));
  }

  @Test
  void driverThatSaysLittleIsUnderstood() {
    CudaLibraries libraries = CudaLibraries.of(Map.of(), root);
    List<Check> checks = CudaDiagnosis.of(CudaProbe.found(List.of(), true, libraries), Build.CPU);
    assertTrue(text(checks, "GPU").startsWith("WARN NVIDIA GPU, unknown"), text(checks, "GPU"));
    assertTrue(text(checks, "NVIDIA driver").startsWith("WARN unknown"));
    assertTrue(
        text(checks(Build.CPU, "GeForce, [N/A], 580.1, [N/A]"), "GPU")
            .contains("compute capability unknown"));
  }

  @Test
  void everyGpuHasItsLine() {
    assertEquals(
        2,
        checks(Build.CPU, H100, H100).stream().filter(check -> check.name().equals("GPU")).count());
  }
}
