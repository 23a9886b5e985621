package dev.lorikeet.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.kernel.FlashCheck.Case;
import dev.lorikeet.torch.DType;
import dev.lorikeet.torch.HostFlash;
import dev.lorikeet.torch.TorchDevice;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What attention gives to flash attention and takes from it: layouts, heads, scale, window, packed
 * sequences and the sums kept between the passes. Here libtorch's flash attention for the host
 * stands for the one for GPUs, which FlashOnGpuTest asks.
 */
@Tag("native")
final class FlashAttentionTest {
  /** Of at most 32 queries, which the host does in one block, adding up in float32. */
  private static final List<Case> CASES =
      List.of(
          of(AttentionShape.causal(1, 1, 8), 5),
          of(AttentionShape.causal(4, 2, 16), 7, 1, 13),
          of(AttentionShape.causal(6, 2, 64), 30, 2),
          of(new AttentionShape(4, 4, 16, 0.4f, 0, 0), 9, 3),
          of(new AttentionShape(4, 2, 16, 0.25f, 3, 0), 11, 2, 6),
          new Case(AttentionShape.causal(4, 2, 16), List.of(4, 9), List.of(11, 9)));

  /**
   * libtorch's exponential for two bytes on the host is a polynomial of degree 3, within 1.1e-4.
   */
  private static final double EXPONENTIAL = 1.1e-4;

  private static Case of(AttentionShape shape, Integer... lengths) {
    return new Case(shape, List.of(lengths), List.of(lengths));
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"BFLOAT16", "FLOAT16"})
  void itIsTheFormulaButForItsRoundings(DType format) {
    HostFlash host = new HostFlash();
    try (TorchDevice device = TorchDevice.standIn(Optional.empty(), format)) {
      Kernels kernels = new TorchKernels(device, Optional.of(host.on(device)));
      FlashCheck check = new FlashCheck(device, kernels, EXPONENTIAL);
      for (Case given : CASES) {
        assertTrue(check.check(given) > 0.1, given::toString);
      }
      assertEquals(2 * CASES.size(), host.calls());
      assertEquals(0, device.blocks());
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"BFLOAT16", "FLOAT16"})
  void whatItDoesNotTakeIsTheFormulas(DType format) {
    HostFlash host = new HostFlash();
    try (TorchDevice device = TorchDevice.standIn(Optional.empty(), format)) {
      Kernels kernels = new TorchKernels(device, Optional.of(host.on(device)));
      FlashCheck check = new FlashCheck(device, kernels, EXPONENTIAL);
      assertTrue(check.check(of(AttentionShape.causal(4, 2, 6), 7, 1, 13)) < 0.01);
      assertTrue(check.check(of(AttentionShape.causal(4, 2, 16), 1, 1)) < 0.01);
      assertEquals(0, host.calls());
    }
  }
}
