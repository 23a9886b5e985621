package dev.lorikeet.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.fixture.Close;
import dev.lorikeet.fixture.TinyLlama;
import dev.lorikeet.fixture.TinyLlama.Training;
import dev.lorikeet.kernel.CudaSource;
import dev.lorikeet.nn.PassOptions;
import dev.lorikeet.torch.DType;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.EmulatedCuda;
import dev.lorikeet.torch.KernelLauncher;
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

  /**
   * On the way back are some 20 products, LoRA's included, each of two rounded operands. Their
   * relative errors, at most u each and of either sign, grow with the root of their number: √40 =
   * 6.3, and 5 times it is never seen. Losses see half of them: 5·√20 = 22.
   */
  private static final double ROUNDED_OPERANDS = 32;

  private static final double ROUNDED_FOR_LOSSES = 22;

  /** Unit roundoff: 8 and 11 bits. */
  @ParameterizedTest
  @CsvSource({
    "LORA, BFLOAT16, 0x1p-8, false",
    "LORA, FLOAT16, 0x1p-11, false",
    "LORA, BFLOAT16, 0x1p-8, true",
    "QLORA, BFLOAT16, 0x1p-8, false",
    "QLORA, BFLOAT16, 0x1p-8, true",
    "QLORA, FLOAT16, 0x1p-11, true"
  })
  void productsOfTwoBytesAreNearThoseOfFloat32(
      Training training, DType compute, double roundoff, boolean kernels) {
    Optional<KernelLauncher> launcher =
        kernels ? Optional.of(EmulatedCuda.open(CudaSource.text())) : Optional.empty();
    PassOptions options = new PassOptions(Optional.empty(), TinyLlama.dropout(), false);
    try (TorchDevice torch = TorchDevice.standIn(launcher, compute);
        Device cpu = Device.cpu(1);
        TinyLlama expected = new TinyLlama(cpu, training, 0.2);
        TinyLlama actual = new TinyLlama(torch, training, 0.2)) {
      float[] exact = expected.forwardAndBackward(options);
      float[] losses = actual.forwardAndBackward(options);
      Close.assertRelative(exact, losses, ROUNDED_FOR_LOSSES * roundoff, "losses");
      assertTrue(Close.frobenius(exact, losses) > LOSS_TOLERANCE, "nothing was rounded");
      for (int i = 0; i < expected.trained().size(); i++) {
        float[] wanted = expected.gradients().get(i);
        Close.assertRelative(
            wanted,
            actual.gradients().get(i),
            ROUNDED_OPERANDS * roundoff,
            expected.trained().get(i).name());
      }
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
