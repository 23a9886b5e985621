package dev.lorikeet.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.config.TrainSettings.Compute;
import dev.lorikeet.error.ConfigException;
import dev.lorikeet.job.ComputeFormat.Capability;
import dev.lorikeet.torch.DType;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.TorchDevice;
import dev.lorikeet.train.LossScaling;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

final class ComputeFormatTest {
  private static final Capability TURING = new Capability(7, 5);

  @ParameterizedTest
  @CsvSource({
    "7,5,AUTO,FLOAT16",
    "7,5,FLOAT16,FLOAT16",
    "7,5,FLOAT32,FLOAT32",
    "8,0,AUTO,BFLOAT16",
    "8,9,AUTO,BFLOAT16",
    "9,0,FLOAT16,FLOAT16",
    "9,0,FLOAT32,FLOAT32",
    "12,0,BFLOAT16,BFLOAT16",
    "12,0,AUTO,BFLOAT16"
  })
  void gpusComputeInWhatTheyAreMadeFor(int major, int minor, Compute wanted, DType format) {
    assertEquals(format, ComputeFormat.onGpu(wanted, new Capability(major, minor)));
  }

  @Test
  void turingHasNoBfloat16() {
    String message =
        assertThrows(ConfigException.class, () -> ComputeFormat.onGpu(Compute.BFLOAT16, TURING))
            .getMessage();
    assertTrue(message.contains("bfloat16 needs") && message.contains("has 7.5"), message);
    assertTrue(message.contains("use auto or float16"), message);
  }

  @ParameterizedTest
  @EnumSource(Compute.class)
  void olderGpusAreRefused(Compute wanted) {
    String message =
        assertThrows(ConfigException.class, () -> ComputeFormat.onGpu(wanted, new Capability(7, 0)))
            .getMessage();
    assertTrue(message.contains("capability 7.0") && message.contains("from 7.5 on"), message);
  }

  @Test
  void theCpuComputesInFloat32Alone() {
    assertEquals(DType.FLOAT32, ComputeFormat.onCpu(Compute.AUTO));
    assertEquals(DType.FLOAT32, ComputeFormat.onCpu(Compute.FLOAT32));
    for (Compute half : new Compute[] {Compute.BFLOAT16, Compute.FLOAT16}) {
      String message =
          assertThrows(ConfigException.class, () -> ComputeFormat.onCpu(half)).getMessage();
      assertTrue(message.contains("train.compute: " + half.spelling()), message);
      assertTrue(message.contains("model.dtype: " + half.spelling()), message);
    }
  }

  @Test
  void aGpuIsAskedWithItsNumber() {
    assertEquals(TURING, Capability.of(75));
    assertEquals(new Capability(12, 1), Capability.of(121));
  }

  @Test
  void theCpuIsRefusedWhatItDoesNotCompute() {
    try (Device cpu = Device.cpu(1)) {
      ComputeFormat.require(Compute.AUTO, cpu);
      ComputeFormat.require(Compute.FLOAT32, cpu);
      assertThrows(ConfigException.class, () -> ComputeFormat.require(Compute.BFLOAT16, cpu));
    }
  }

  @Test
  @Tag("native")
  void aDeviceComputesAsItWasOpened() {
    try (Device half = TorchDevice.standIn(Optional.empty(), DType.BFLOAT16);
        Device plain = TorchDevice.standIn(Optional.empty())) {
      ComputeFormat.require(Compute.AUTO, half);
      ComputeFormat.require(Compute.BFLOAT16, half);
      ComputeFormat.require(Compute.FLOAT32, plain);
      String message =
          assertThrows(ConfigException.class, () -> ComputeFormat.require(Compute.BFLOAT16, plain))
              .getMessage();
      assertTrue(message.contains("train.compute: bfloat16"), message);
      assertTrue(message.contains("to compute in FLOAT32"), message);
      assertEquals("bfloat16", Devices.describe(half).get("compute"));
    }
  }

  @Test
  void onlyFloat16NeedsAScaledLoss() {
    assertEquals(Optional.of(LossScaling.standard()), ComputeFormat.scaling(DType.FLOAT16));
    assertEquals(Optional.empty(), ComputeFormat.scaling(DType.BFLOAT16));
    assertEquals(Optional.empty(), ComputeFormat.scaling(DType.FLOAT32));
  }
}
