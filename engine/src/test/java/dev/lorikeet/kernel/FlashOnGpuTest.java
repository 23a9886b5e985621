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
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What libtorch does on a GPU only: its flash attention, and products of two bytes in float32. */
@Tag("gpu")
final class FlashOnGpuTest {
  /** Exponentials of a GPU, with the rounding of their argument. */
  private static final double EXPONENTIAL = 40 * 0x1p-24;

  private static final List<Case> CASES =
      List.of(
          of(AttentionShape.causal(1, 1, 8), 5),
          of(AttentionShape.causal(4, 2, 16), 7, 1, 13),
          of(AttentionShape.causal(9, 3, 64), 300, 2, 129),
          of(AttentionShape.causal(8, 2, 128), 257, 64),
          of(AttentionShape.causal(4, 1, 256), 70),
          of(new AttentionShape(4, 4, 96, 0.4f, 0, 0), 90, 3),
          of(new AttentionShape(4, 2, 64, 0.125f, 33, 0), 200, 2, 65),
          new Case(AttentionShape.causal(4, 2, 64), List.of(4, 90), List.of(11, 90)));

  @TempDir private Path cache;

  private static Case of(AttentionShape shape, Integer... lengths) {
    return new Case(shape, List.of(lengths), List.of(lengths));
  }

  @BeforeEach
  void requireGpu() {
    Assumptions.assumeTrue(
        TorchDevice.isCudaLikely(), "flash attention needs an NVIDIA GPU and libtorch for CUDA");
  }

  private TorchDevice open(DType format) {
    return TorchDevice.cuda(
        0, CudaLauncher.open(CudaLibraries.ofThisMachine(), 0, CudaSource.text(), cache), format);
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"BFLOAT16", "FLOAT16"})
  void flashAttentionIsTheFormulaButForItsRoundings(DType format) {
    try (TorchDevice device = open(format)) {
      Assumptions.assumeTrue(FlashRule.of(device).isPresent(), "needs compute capability 8.0");
      FlashCheck flash = new FlashCheck(device, new TorchKernels(device), EXPONENTIAL);
      FlashCheck formula =
          new FlashCheck(device, new TorchKernels(device, Optional.empty()), EXPONENTIAL);
      for (Case given : CASES) {
        assertTrue(flash.check(given) > 0x1p-14, given::toString);
        formula.check(given);
      }
      assertEquals(0, device.blocks());
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"BFLOAT16", "FLOAT16"})
  void gradientsAreTheSameBytesEachTime(DType format) {
    try (TorchDevice device = open(format)) {
      Assumptions.assumeTrue(FlashRule.of(device).isPresent(), "needs compute capability 8.0");
      FlashCheck flash = new FlashCheck(device, new TorchKernels(device), EXPONENTIAL);
      Case given = of(AttentionShape.causal(9, 3, 64), 500, 700);
      float[] first = flash.queryGradient(given);
      for (int i = 0; i < 5; i++) {
        assertArrayEquals(first, flash.queryGradient(given));
      }
    }
  }

  /** The stand-in multiplies the same rounded operands; both add up k terms in float32. */
  @ParameterizedTest
  @CsvSource({
    "NO, NO, BFLOAT16, FLOAT32",
    "NO, YES, BFLOAT16, BFLOAT16",
    "YES, NO, BFLOAT16, FLOAT32",
    "NO, YES, FLOAT16, FLOAT32",
    "NO, YES, FLOAT16, FLOAT16",
    "NO, YES, FLOAT16, BFLOAT16"
  })
  void productsAddUpInFloat32(
      Transpose transposeA, Transpose transposeB, DType format, DType held) {
    try (TorchDevice gpu = open(format);
        TorchDevice standIn = TorchDevice.standIn(Optional.empty(), format)) {
      float[] expected = product(standIn, transposeA, transposeB, held);
      float[] actual = product(gpu, transposeA, transposeB, held);
      assertArrayEquals(expected, actual, (float) (2 * (K + 3) * 0x1p-24 * (K + 1)));
    }
  }

  private static final int M = 33;
  private static final int K = 1031;
  private static final int N = 71;

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
