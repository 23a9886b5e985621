package dev.lorikeet.bench.kernels;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.bench.kernels.KernelCase.Limit;
import dev.lorikeet.bench.kernels.KernelCase.Work;
import dev.lorikeet.torch.CpuDevice;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What the benchmarks compare before they time it. No kernel is timed here. */
@Tag("native")
final class KernelCasesTest {

  static List<String> names() {
    return KernelCases.names();
  }

  @ParameterizedTest
  @MethodSource("names")
  @Tag("slow")
  void everyKernelAgreesWithItsReference(String name) {
    try (CpuDevice device = Device.cpu(2);
        KernelCase kernel = KernelCases.open(name, KernelShape.SMOLLM2, device)) {
      kernel.check();
      assertTrue(kernel.work().amount() > 0, name);
    }
  }

  @Test
  void aWrongKernelIsRefused() {
    assertRefused(2f, 2.1f);
    assertRefused(2f, Float.NaN);
    assertRefused(0f, 0f);
  }

  private static void assertRefused(float expected, float written) {
    try (CpuDevice device = Device.cpu(1)) {
      Tensors tensors = new Tensors(device);
      Tensor actual = tensors.empty(1);
      Tensor reference = tensors.empty(1);
      try (KernelCase kernel =
          new KernelCase(
                  new Work(Limit.STREAM, 1),
                  tensors,
                  () -> actual.copyFrom(new float[] {written}),
                  () -> reference.copyFrom(new float[] {expected}))
              .expecting("value", actual, reference, 1e-6)) {
        assertThrows(IllegalStateException.class, kernel::check);
      }
    }
  }

  @Test
  void anUnknownNameIsRefused() {
    try (CpuDevice device = Device.cpu(1)) {
      assertThrows(
          IllegalStateException.class,
          () -> KernelCases.open("matmul", KernelShape.SMOLLM2, device));
    }
  }
}
