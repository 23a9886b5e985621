package dev.lorikeet.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.lorikeet.error.LorikeetException;
import dev.lorikeet.kernel.CudaCase.Memory;
import dev.lorikeet.kernel.CudaFourBit.Factors;
import dev.lorikeet.kernel.CudaWeightCases.Shape;
import dev.lorikeet.torch.CudaLauncher;
import dev.lorikeet.torch.CudaLibraries;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.EmulatedCuda;
import dev.lorikeet.torch.KernelLauncher;
import dev.lorikeet.torch.LibTorch.Precision;
import dev.lorikeet.torch.ManagedDevice;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Every case of every CUDA kernel, on a GPU. As a program it prints a line each and ends with 1 if
 * one differs; its arguments are {@code gpu} or {@code emulation} and a folder for the compiled
 * kernels.
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
    CudaLibraries libraries;
    KernelLauncher launcher;
    if (emulated) {
      EmulatedCuda cuda = EmulatedCuda.open(CudaSource.text());
      libraries = cuda.libraries();
      launcher = cuda;
    } else {
      libraries = CudaLibraries.ofThisMachine();
      launcher = CudaLauncher.open(libraries, 0, CudaSource.text(), cache);
    }
    try (Device host = Device.cpu(1)) {
      for (Map.Entry<String, Runnable> check :
          checks(launcher, new ManagedDevice(libraries, launcher), host).entrySet()) {
        try {
          check.getValue().run();
          System.out.println("ok    " + check.getKey());
        } catch (AssertionError | RuntimeException failure) {
          failures++;
          System.out.println("FAIL  " + check.getKey() + ": " + failure.getMessage());
        }
      }
    }
    launcher.close();
    System.out.println(failures + " failed");
    return failures;
  }

  /** The checks by name. */
  static Map<String, Runnable> checks(KernelLauncher cuda, ManagedDevice gpu, Device host) {
    Map<String, Runnable> checks = new LinkedHashMap<>();
    Kernels reference = new TorchKernels(Precision.FLOAT64);
    Kernels kernels = new CudaKernels(cuda, reference);
    for (List<CudaCase> cases : List.of(CudaCases.all(), CudaUpdateCases.all())) {
      for (CudaCase one : cases) {
        checks.put(one.name(), () -> agrees(one, kernels, gpu, reference, host));
      }
    }
    for (int length : new int[] {1, 257, 4097}) {
      checks.put(
          "adamW 8-bit " + length,
          () -> CudaKernelsTest.statesOf8BitsAgree(kernels.updates(), gpu, host, length));
    }
    for (Shape shape : CudaWeightCases.shapes()) {
      checks.put("numbers of " + shape, () -> CudaWeightCases.numbersAgree(cuda, gpu, host, shape));
      for (Factors factors : factors(cuda.architecture())) {
        checks.put(
            "products of " + shape + " " + factors,
            () -> CudaWeightCases.productsAgree(cuda, gpu, host, shape, factors));
      }
    }
    for (CudaMagnitudeCases.Map map : CudaMagnitudeCases.maps()) {
      checks.put("norms of " + map, () -> CudaMagnitudeCases.normsAgree(cuda, gpu, host, map));
      checks.put(
          "weak rows of " + map, () -> CudaMagnitudeCases.weakRowsAgree(cuda, gpu, host, map));
    }
    checks.put("squares of rows", () -> CudaMagnitudeCases.squaresAgree(cuda, gpu));
    checks.put("factors of rows", () -> CudaMagnitudeCases.vectorsAgree(cuda, gpu));
    checks.put("int8", () -> CudaWeightCases.bytesAgree(cuda, gpu, host));
    return checks;
  }

  /** What tensor cores of an architecture multiply. */
  private static List<Factors> factors(int architecture) {
    return architecture >= 80
        ? List.of(Factors.values())
        : List.of(Factors.FLOAT32, Factors.FLOAT16);
  }

  private static void agrees(
      CudaCase one, Kernels kernels, ManagedDevice gpu, Kernels reference, Device host) {
    List<float[]> expected;
    try (Memory memory = new Memory(host)) {
      expected = one.run().results(reference, memory);
    }
    try (Memory memory = new Memory(gpu)) {
      List<float[]> actual = one.run().results(kernels, memory);
      CudaKernelsTest.verify(one, expected, actual);
      List<float[]> again = one.run().results(kernels, memory);
      for (int i = 0; i < actual.size(); i++) {
        assertArrayEquals(actual.get(i), again.get(i), one.name() + ", once more: result " + i);
      }
    }
  }
}
