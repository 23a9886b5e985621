package dev.lorikeet.train;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.lorikeet.fixture.Close;
import dev.lorikeet.fixture.TinyLlama;
import dev.lorikeet.fixture.TinyLlama.Training;
import dev.lorikeet.kernel.CudaSource;
import dev.lorikeet.nn.PassOptions;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.EmulatedCuda;
import dev.lorikeet.torch.TorchDevice;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A device whose memory the host does not see gives the losses and gradients of the CPU. */
@Tag("native")
final class TorchStepTest {
  private static final double U = 0x1p-24;

  /** Twice what LlamaGradientTest derives for the distance of float32 from exact gradients. */
  private static final double TOLERANCE = 2 * 230 * U;

  private static final double LOSS_TOLERANCE = 2 * 115 * U;

  @ParameterizedTest
  @CsvSource({
    "ALL,false",
    "LORA,false",
    "LORA,true",
    "QLORA,false",
    "QLORA,true",
    "FP4_LORA,false",
    "INT8_LORA,false",
    "DORA,false",
    "DORA,true",
    "QDORA,false"
  })
  void lossesAndGradientsAreThoseOfTheCpu(Training training, boolean recompute) {
    try (TorchDevice torch = TorchDevice.standIn(Optional.empty())) {
      compare(torch, training, recompute);
      assertEquals(0, torch.blocks());
    }
  }

  /** The same with the kernels of a GPU, which an emulation runs on host memory. */
  @ParameterizedTest
  @CsvSource({
    "ALL,false",
    "LORA,true",
    "QLORA,false",
    "FP4_LORA,false",
    "INT8_LORA,false",
    "DORA,true",
    "QDORA,false"
  })
  void theKernelsOfAGpuWorkOnItsMemory(Training training, boolean recompute) {
    try (TorchDevice torch =
        TorchDevice.standIn(Optional.of(EmulatedCuda.open(CudaSource.text())))) {
      assertEquals(3L << 30, torch.availableBytes());
      compare(torch, training, recompute);
      assertEquals(0, torch.blocks());
    }
  }

  /** DoRA goes another way without dropout: its gradients come from its output. */
  @ParameterizedTest
  @CsvSource({"DORA,false", "QDORA,false", "DORA,true", "QDORA,true"})
  void magnitudesLearnFromTheOutput(Training training, boolean kernels) {
    try (TorchDevice torch =
        TorchDevice.standIn(
            kernels ? Optional.of(EmulatedCuda.open(CudaSource.text())) : Optional.empty())) {
      compare(torch, training, 0, false);
      assertEquals(0, torch.blocks());
    }
  }

  private static void compare(TorchDevice torch, Training training, boolean recompute) {
    compare(torch, training, 0.2, recompute);
  }

  private static void compare(
      TorchDevice torch, Training training, double dropout, boolean recompute) {
    PassOptions options = new PassOptions(Optional.empty(), TinyLlama.dropout(), recompute);
    try (Device cpu = Device.cpu(1);
        TinyLlama expected = new TinyLlama(cpu, training, dropout);
        TinyLlama actual = new TinyLlama(torch, training, dropout)) {
      Close.assertRelative(
          expected.forwardAndBackward(options),
          actual.forwardAndBackward(options),
          LOSS_TOLERANCE,
          "losses");
      List<float[]> gradients = actual.gradients();
      for (int i = 0; i < gradients.size(); i++) {
        Close.assertRelative(
            expected.gradients().get(i),
            gradients.get(i),
            TOLERANCE,
            expected.trained().get(i).name());
      }
    }
  }
}
