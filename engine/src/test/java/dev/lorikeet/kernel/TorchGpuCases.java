package dev.lorikeet.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.fixture.Tensors;
import dev.lorikeet.kernel.FlashCheck.Case;
import dev.lorikeet.torch.CudaLauncher;
import dev.lorikeet.torch.CudaLibraries;
import dev.lorikeet.torch.DType;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Device.Transpose;
import dev.lorikeet.torch.Tensor;
import dev.lorikeet.torch.TorchDevice;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/** What libtorch does on a GPU only: its flash attention, and products of two bytes in float32. */
final class TorchGpuCases {
  /** Exponentials of a GPU, with the rounding of their argument. */
  private static final double EXPONENTIAL = 40 * 0x1p-24;

  private static final int M = 33;
  private static final int K = 1031;
  private static final int N = 71;

  private static final List<Case> ATTENTION =
      List.of(
          of(AttentionShape.causal(1, 1, 8), 5),
          of(AttentionShape.causal(4, 2, 16), 7, 1, 13),
          of(AttentionShape.causal(9, 3, 64), 300, 2, 129),
          of(AttentionShape.causal(8, 2, 128), 257, 64),
          of(AttentionShape.causal(4, 1, 256), 70),
          of(new AttentionShape(4, 4, 96, 0.4f, 0, 0), 90, 3),
          of(new AttentionShape(4, 2, 64, 0.125f, 33, 0), 200, 2, 65),
          new Case(AttentionShape.causal(4, 2, 64), List.of(4, 90), List.of(11, 90)));

  private final CudaLibraries libraries;
  private final Path cache;

  /** Cases on the first GPU. */
  TorchGpuCases(CudaLibraries libraries, Path cache) {
    this.libraries = libraries;
    this.cache = cache;
  }

  private static Case of(AttentionShape shape, Integer... lengths) {
    return new Case(shape, List.of(lengths), List.of(lengths));
  }

  /**
   * The checks by name.
   *
   * @param architecture ten times the GPU's compute capability
   */
  Map<String, Runnable> checks(int architecture) {
    Map<String, Runnable> checks = new LinkedHashMap<>();
    for (DType format : List.of(DType.BFLOAT16, DType.FLOAT16)) {
      if (!FlashRule.has(architecture, format)) {
        continue;
      }
      for (Case given : ATTENTION) {
        checks.put(
            "flash attention in " + format + " of " + given,
            () -> on(format, device -> agrees(device, given)));
      }
      checks.put(
          "flash attention in " + format + " once more",
          () -> on(format, TorchGpuCases::givesTheSameBytes));
    }
    for (DType format : formats(architecture)) {
      for (DType held : List.of(DType.FLOAT32, DType.BFLOAT16, DType.FLOAT16)) {
        checks.put(
            "products in " + format + " with " + held,
            () -> on(format, device -> productsAgree(device, held)));
      }
    }
    return checks;
  }

  private static List<DType> formats(int architecture) {
    return architecture >= 80
        ? List.of(DType.FLOAT32, DType.FLOAT16, DType.BFLOAT16)
        : List.of(DType.FLOAT32, DType.FLOAT16);
  }

  private void on(DType format, Consumer<TorchDevice> check) {
    try (TorchDevice device =
        TorchDevice.cuda(0, CudaLauncher.open(libraries, 0, CudaSource.text(), cache), format)) {
      check.accept(device);
      assertEquals(0, device.blocks());
    }
  }

  private static void agrees(TorchDevice device, Case given) {
    FlashCheck flash = new FlashCheck(device, new TorchKernels(device), EXPONENTIAL);
    Kernels formulas = new TorchKernels(device, Optional.empty());
    assertTrue(flash.check(given) > 0.1, "this is not flash attention");
    assertTrue(new FlashCheck(device, formulas, EXPONENTIAL).check(given) < 0.01, "formula");
  }

  private static void givesTheSameBytes(TorchDevice device) {
    FlashCheck flash = new FlashCheck(device, new TorchKernels(device), EXPONENTIAL);
    Case given = of(AttentionShape.causal(9, 3, 64), 500, 700);
    float[] first = flash.queryGradient(given);
    for (int i = 0; i < 5; i++) {
      assertArrayEquals(first, flash.queryGradient(given));
    }
  }

  /** The stand-in multiplies the same rounded operands; both add up K terms in float32. */
  private static void productsAgree(TorchDevice device, DType held) {
    float tolerance = (float) (2 * (K + 3) * 0x1p-24 * (K + 1));
    try (TorchDevice standIn = TorchDevice.standIn(Optional.empty(), device.computeFormat())) {
      for (Transpose transposeB : Transpose.values()) {
        assertArrayEquals(
            product(standIn, Transpose.NO, transposeB, held),
            product(device, Transpose.NO, transposeB, held),
            tolerance);
      }
      assertArrayEquals(
          product(standIn, Transpose.YES, Transpose.NO, DType.FLOAT32),
          product(device, Transpose.YES, Transpose.NO, DType.FLOAT32),
          tolerance);
    }
  }

  private static float[] product(
      Device device, Transpose transposeA, Transpose transposeB, DType held) {
    long[] aShape = transposeA == Transpose.YES ? new long[] {K, M} : new long[] {M, K};
    long[] bShape = transposeB == Transpose.YES ? new long[] {N, K} : new long[] {K, N};
    try (Tensor a = device.floats(aShape).copyFrom(small("a", M * K));
        Tensor b = device.floats(bShape).copyFrom(small("b", K * N));
        Tensor c = device.floats(M, N).copyFrom(small("c", M * N));
        Tensor right = held.isHalf() ? device.empty(held, bShape).roundFrom(b) : b.retain()) {
      device.gemm(transposeA, transposeB, 1, a, right, 1, c);
      return c.toFloats();
    }
  }

  /** Numbers of at most 1. */
  private static float[] small(String name, int count) {
    float[] values = Tensors.numbers(name, count);
    for (int i = 0; i < count; i++) {
      values[i] = (float) Math.tanh(values[i]);
    }
    return values;
  }
}
