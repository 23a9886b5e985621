package dev.lorikeet.torch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.fixture.ResidentMemory;
import dev.lorikeet.fixture.Tensors;
import dev.lorikeet.torch.LibTorch.Gradients;
import dev.lorikeet.torch.LibTorch.Precision;
import java.io.IOException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("native")
final class LibTorchTest {

  @Test
  void float32ValuesSeeTheSameMemory() {
    try (Device device = Device.cpu(1);
        Tensors tensors = new Tensors(device);
        LibTorch torch = LibTorch.open(Precision.FLOAT32, Gradients.OFF)) {
      Tensor host = tensors.of(new float[] {1, 2, 3, 4}, 2, 2);
      TorchValue view = torch.view(host);
      host.copyFrom(new float[] {5, 6, 7, 8});
      assertArrayEquals(new double[] {5, 6, 7, 8}, view.toDoubles());
      view.mul(2).copyTo(host);
      assertArrayEquals(new float[] {10, 12, 14, 16}, host.toFloats());
    }
  }

  @Test
  void halvesAreSeenAsTheNumbersTheyAre() {
    float[] values = {0.5f, -1.75f, 3};
    try (Device device = Device.cpu(1);
        Tensor floats = device.floats(3).copyFrom(values);
        LibTorch torch = LibTorch.open(Precision.FLOAT64, Gradients.OFF)) {
      for (DType type : new DType[] {DType.BFLOAT16, DType.FLOAT16}) {
        try (Tensor half = device.empty(type, 3).roundFrom(floats)) {
          assertArrayEquals(new double[] {0.5, -1.75, 3}, torch.view(half).toDoubles());
        }
      }
    }
  }

  @Test
  void leavesGetTheGradientOfWhatWasComputed() {
    try (Device device = Device.cpu(1);
        Tensors tensors = new Tensors(device);
        LibTorch torch = LibTorch.open(Precision.FLOAT64, Gradients.ON)) {
      TorchValue x = torch.leaf(tensors.of(new float[] {1, 2, 3}, 3));
      TorchValue y = torch.leaf(tensors.of(new float[] {4, 5, 6}, 3));
      assertThrows(IllegalStateException.class, x::gradient);
      TorchValue z = x.square().mul(y).total();
      z.backward();
      assertEquals(1 * 4 + 4 * 5 + 9 * 6, z.item());
      assertArrayEquals(new double[] {8, 20, 36}, x.gradient().toDoubles());
      assertArrayEquals(new double[] {1, 4, 9}, y.gradient().toDoubles());
    }
  }

  @Test
  void closedSessionsRefuse() {
    try (Device device = Device.cpu(1);
        Tensors tensors = new Tensors(device)) {
      Tensor host = tensors.normal("x", 3);
      LibTorch torch = LibTorch.open(Precision.FLOAT32, Gradients.OFF);
      torch.close();
      assertThrows(IllegalStateException.class, () -> torch.view(host));
      assertThrows(IllegalStateException.class, torch::close);
    }
  }

  @Test
  void memoryOfSessionsIsFreedAtOnce() throws IOException {
    ResidentMemory.assumeKnown();
    try (Device device = Device.cpu(1);
        Tensors tensors = new Tensors(device)) {
      Tensor host = tensors.normal("x", 1 << 20);
      long before = 0;
      for (int i = 0; i < 60; i++) {
        if (i == 10) {
          before = nativeBytes();
        }
        try (LibTorch torch = LibTorch.open(Precision.FLOAT64, Gradients.ON)) {
          TorchValue x = torch.leaf(host);
          x.exp().mul(x).add(1).total().backward();
          x.gradient().copyTo(host);
          host.zero();
        }
      }
      // 50 sessions of five values of 8 MiB: one value lost in each would be 400 MiB.
      long growth = nativeBytes() - before;
      assertTrue(growth < 200 << 20, "resident memory grew by " + growth + " bytes");
    }
  }

  /** Resident memory less what the Java heap holds, which grows and shrinks as it likes. */
  private static long nativeBytes() throws IOException {
    return ResidentMemory.bytes() - Runtime.getRuntime().totalMemory();
  }
}
