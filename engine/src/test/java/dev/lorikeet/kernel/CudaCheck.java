package dev.lorikeet.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.lorikeet.error.LorikeetException;
import dev.lorikeet.kernel.CudaCase.Memory;
import dev.lorikeet.kernel.CudaFourBit.Factors;
import dev.lorikeet.kernel.CudaWeightCases.Shape;
import dev.lorikeet.torch.CudaLauncher;
import dev.lorikeet.torch.CudaLibraries;
import dev.lorikeet.torch.EmulatedCuda;
import dev.lorikeet.torch.LibTorch.Precision;
import dev.lorikeet.torch.TorchDevice;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Every case of every CUDA kernel, on a GPU, and of what libtorch does there. As a program it
 * prints a line each and ends with 1 if one differs; its arguments are {@code gpu} or {@code
 * emulation} and a folder for the compiled kernels.
 */
public final class CudaCheck {
  private CudaCheck() {}

  /** The program. */
  public static void main(String[] arguments) {
    try {
      System.exit(check(arguments) == 0 ? 0 : 1);
    } catch (LorikeetException missing) {
      System.out.println("FAIL  " + missing.getMessage());
      System.exit(1);
    }
  }

  /** How many checks failed. */
  private static int check(String[] arguments) {
    boolean emulated = arguments[0].equals("emulation");
    Path cache = Path.of(arguments[1]);
    int failures = 0;
    try (GpuBesideHost devices =
        emulated ? GpuBesideHost.of(EmulatedCuda.open(CudaSource.text())) : onGpu(cache)) {
      Map<String, Runnable> checks = checks(devices);
      if (!emulated && TorchDevice.isCudaLikely()) {
        checks.putAll(
            new TorchGpuCases(CudaLibraries.ofThisMachine(), cache)
                .checks(devices.cuda().architecture()));
      }
      for (Map.Entry<String, Runnable> check : checks.entrySet()) {
        try {
          check.getValue().run();
          System.out.println("ok    " + check.getKey());
        } catch (AssertionError | RuntimeException failure) {
          failures++;
          System.out.println("FAIL  " + check.getKey() + ": " + failure.getMessage());
        }
      }
    }
    System.out.println(failures + " failed");
    return failures;
  }

  /** The first GPU of this machine, with its compiled kernels in the folder {@code cache}. */
  static GpuBesideHost onGpu(Path cache) {
    CudaLibraries libraries = CudaLibraries.ofThisMachine();
    return GpuBesideHost.of(libraries, CudaLauncher.open(libraries, 0, CudaSource.text(), cache));
  }

  /** The checks by name. */
  static Map<String, Runnable> checks(GpuBesideHost devices) {
    Map<String, Runnable> checks = new LinkedHashMap<>();
    Kernels reference = new TorchKernels(Precision.FLOAT64);
    Kernels kernels = new CudaKernels(devices.cuda(), reference);
    for (List<CudaCase> cases : List.of(CudaCases.all(), CudaUpdateCases.all())) {
      for (CudaCase one : cases) {
        checks.put(one.name(), () -> agrees(one, kernels, reference, devices));
      }
    }
    for (int length : new int[] {1, 257, 4097}) {
      checks.put(
          "adamW 8-bit " + length,
          () -> CudaKernelsTest.statesOf8BitsAgree(kernels.updates(), devices, length));
    }
    for (Shape shape : CudaWeightCases.shapes()) {
      checks.put("numbers of " + shape, () -> CudaWeightCases.numbersAgree(devices, shape));
      for (Factors factors : factors(devices.cuda().architecture())) {
        checks.put(
            "products of " + shape + " " + factors,
            () -> CudaWeightCases.productsAgree(devices, shape, factors));
      }
    }
    for (CudaMagnitudeCases.Map map : CudaMagnitudeCases.maps()) {
      checks.put("norms of " + map, () -> CudaMagnitudeCases.normsAgree(devices, map));
      checks.put("weak rows of " + map, () -> CudaMagnitudeCases.weakRowsAgree(devices, map));
    }
    checks.put("squares of rows", () -> CudaMagnitudeCases.squaresAgree(devices));
    checks.put("factors of rows", () -> CudaMagnitudeCases.vectorsAgree(devices));
    checks.put("int8", () -> CudaWeightCases.bytesAgree(devices));
    return checks;
  }

  /** What tensor cores of an architecture multiply. */
  private static List<Factors> factors(int architecture) {
    return architecture >= 80
        ? List.of(Factors.values())
        : List.of(Factors.FLOAT32, Factors.FLOAT16);
  }

  private static void agrees(
      CudaCase one, Kernels kernels, Kernels reference, GpuBesideHost devices) {
    List<float[]> expected = CudaKernelsTest.run(one, reference, devices.host());
    try (Memory memory = new Memory(devices.gpu())) {
      List<float[]> actual = one.run().results(kernels, memory);
      CudaKernelsTest.verify(one, expected, actual);
      List<float[]> again = one.run().results(kernels, memory);
      for (int i = 0; i < actual.size(); i++) {
        assertArrayEquals(actual.get(i), again.get(i), one.name() + ", once more: result " + i);
      }
    }
  }
}
