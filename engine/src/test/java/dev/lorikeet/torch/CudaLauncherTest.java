package dev.lorikeet.torch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.RunException;
import dev.lorikeet.torch.KernelLauncher.Grid;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Driver, compiler and cache, against libraries that emulate them; and that the emulation objects.
 */
@Tag("native")
final class CudaLauncherTest {
  private static final String SOURCE =
      """
      extern "C" __global__ void count(int* x, int most) {
        int i = blockIdx.x * blockDim.x + threadIdx.x;
        if (i < most) x[i] = i;
      }
      extern "C" __global__ void diverges(int* x, int most) {
        if (threadIdx.x < 16) __syncthreads();
      }
      extern "C" __global__ void races(int* x, int most) {
        __shared__ int last;
        last = threadIdx.x;
        __syncthreads();
        if (threadIdx.x == 0) x[0] = last;
      }
      """;

  @TempDir private Path temp;

  private static int[] run(EmulatedCuda cuda, String kernel, int elements, int most) {
    ManagedDevice device = new ManagedDevice(cuda.libraries(), cuda);
    try (Tensor x = device.ints(new int[elements])) {
      cuda.launch(kernel, Grid.of(2, 64), KernelArgument.arg(x), KernelArgument.arg(most));
      return MemorySegment.ofArray(device.bytes(x)).toArray(ValueLayout.JAVA_INT_UNALIGNED);
    }
  }

  @Test
  void everyThreadOfEveryBlockRuns() {
    try (EmulatedCuda cuda = EmulatedCuda.open(SOURCE)) {
      int[] numbers = run(cuda, "count", 100, 100);
      for (int i = 0; i < numbers.length; i++) {
        assertEquals(i, numbers[i]);
      }
      assertEquals(80, cuda.architecture());
    }
  }

  @Test
  void emulationFindsBarriersRacesWritesBesideMemoryAndWrongArguments() {
    try (EmulatedCuda cuda = EmulatedCuda.open(SOURCE)) {
      RunException stuck = assertThrows(RunException.class, () -> run(cuda, "diverges", 1, 1));
      assertTrue(
          stuck.getMessage().contains("16 threads wait for their block"), stuck.getMessage());
      cuda.order(EmulatedCuda.Order.FORWARD);
      int forward = run(cuda, "races", 1, 1)[0];
      cuda.order(EmulatedCuda.Order.REVERSED);
      int reversed = run(cuda, "races", 1, 1)[0];
      cuda.order(EmulatedCuda.Order.FORWARD);
      assertNotEquals(forward, reversed);
      assertThrows(IllegalStateException.class, () -> run(cuda, "count", 100, 101));
      assertThrows(
          AssertionError.class, () -> cuda.launch("count", Grid.of(1, 32), KernelArgument.arg(1L)));
    }
  }

  @Test
  void unknownKernelIsNamed() {
    try (EmulatedCuda cuda = EmulatedCuda.open(SOURCE);
        CudaLauncher launcher = CudaLauncher.open(cuda.libraries(), 0, SOURCE, temp)) {
      RunException unknown =
          assertThrows(RunException.class, () -> launcher.launch("none", Grid.of(1, 32)));
      assertEquals(
          "CUDA failed at looking for kernel none: as the emulation's driver says (error 500)."
              + " lorikeet doctor says whether driver and CUDA fit.",
          unknown.getMessage());
    }
  }

  private List<Path> cached() throws IOException {
    try (Stream<Path> files = Files.list(temp)) {
      return files.sorted().toList();
    }
  }

  @Test
  void kernelsAreCompiledOnceForASource() throws IOException {
    try (EmulatedCuda cuda = EmulatedCuda.open(SOURCE)) {
      CudaLauncher.open(cuda.libraries(), 0, SOURCE, temp).close();
      Path file = cached().getFirst();
      assertTrue(file.getFileName().toString().matches("kernels-[0-9a-f]{24}\\.cubin"), "" + file);
      String compiled = "emulated --gpu-architecture=sm_80 --std=c++17 --fmad=false\0";
      assertEquals(compiled, Files.readString(file));

      Files.writeString(file, "emulated earlier");
      CudaLauncher.open(cuda.libraries(), 0, SOURCE, temp).close();
      assertEquals("emulated earlier", Files.readString(file), "what is there is taken");

      Files.writeString(file, "damaged");
      CudaLauncher.open(cuda.libraries(), 0, SOURCE, temp).close();
      assertEquals(compiled, Files.readString(file), "what does not load is compiled again");

      CudaLauncher.open(cuda.libraries(), 0, SOURCE + "// changed\n", temp).close();
      assertEquals(2, cached().size());
    }
  }

  @Test
  void cacheThatCannotBeWrittenIsDoneWithout() throws IOException {
    Path file = Files.writeString(temp.resolve("a file"), "no folder");
    try (EmulatedCuda cuda = EmulatedCuda.open(SOURCE);
        CudaLauncher launcher =
            CudaLauncher.open(cuda.libraries(), 0, SOURCE, file.resolve("cache"))) {
      assertEquals(80, launcher.architecture());
    }
  }

  @Test
  void compilersLogIsTold() {
    try (EmulatedCuda cuda = EmulatedCuda.open(SOURCE)) {
      IllegalStateException wrong =
          assertThrows(
              IllegalStateException.class,
              () -> CudaLauncher.open(cuda.libraries(), 0, "#error", temp));
      assertTrue(
          String.valueOf(wrong.getMessage()).contains("kernels.cu(1): error: #error directive"),
          wrong.getMessage());
    }
  }

  @Test
  void gpuThatIsNotThereIsTold() {
    try (EmulatedCuda cuda = EmulatedCuda.open(SOURCE)) {
      RunException none =
          assertThrows(
              RunException.class, () -> CudaLauncher.open(cuda.libraries(), 3, SOURCE, temp));
      assertTrue(none.getMessage().startsWith("CUDA failed at opening GPU 3"), none.getMessage());
    }
  }

  @Test
  void codeIsForTheGpuOrTheNewestThatTheCompilerKnows() {
    try (EmulatedCuda cuda = EmulatedCuda.open(SOURCE)) {
      Nvrtc compiler = new Nvrtc(cuda.libraries().load(CudaLibraries.COMPILER, "", ""));
      assertEquals("13.0", compiler.version());
      assertEquals(new Nvrtc.Target("--gpu-architecture=sm_90", true), compiler.target(90));
      assertEquals(new Nvrtc.Target("--gpu-architecture=compute_90", false), compiler.target(103));
      RunException old = assertThrows(RunException.class, () -> compiler.target(70));
      assertEquals(
          "This GPU has compute capability 7.0, and CUDA 13.0 compiles for 7.5 and newer only."
              + " Train on the CPU (device: cpu), or on a newer GPU.",
          old.getMessage());
    }
  }

  @Test
  void missingLibrarySaysWhereItWasLookedFor() {
    CudaLibraries libraries =
        CudaLibraries.of(Map.of("CUDA_HOME", "/opt/elsewhere", "LD_LIBRARY_PATH", "/a:/b"), temp);
    RunException missing =
        assertThrows(
            RunException.class,
            () -> libraries.load(List.of("libabsent.so.13"), "does nothing", "Install it."));
    for (String part :
        List.of("libabsent.so.13", "/opt/elsewhere/lib64", "/a", "/b", "usr/local/cuda/lib64")) {
      assertTrue(missing.getMessage().contains(part), missing.getMessage());
    }
    assertTrue(missing.getMessage().endsWith("Install it."), missing.getMessage());
  }

  @Test
  void toolkitsAreFoundByVersion() throws IOException {
    Path lib = Files.createDirectories(temp.resolve("usr/local/cuda-13.0/lib64"));
    Files.createDirectories(temp.resolve("usr/local/cuda-12.4/lib64"));
    Path compiler = Files.createFile(lib.resolve("libnvrtc.so.13"));
    CudaLibraries libraries = CudaLibraries.of(Map.of(), temp);
    assertEquals(compiler, libraries.find(CudaLibraries.COMPILER).orElseThrow());
    assertTrue(libraries.find(CudaLibraries.DNN).isEmpty());
  }
}
