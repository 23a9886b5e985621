package dev.lorikeet.model;

import static dev.lorikeet.fixture.Rounding.U;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.lorikeet.fixture.Close;
import dev.lorikeet.fixture.FiniteDifference;
import dev.lorikeet.fixture.Tensors;
import dev.lorikeet.fixture.TinyLlama;
import dev.lorikeet.fixture.TinyLlama.Training;
import dev.lorikeet.nn.DropoutKeys;
import dev.lorikeet.nn.PassOptions;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.LibTorch;
import dev.lorikeet.torch.LibTorch.Gradients;
import dev.lorikeet.torch.LibTorch.Precision;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Gradients of a whole model with its loss: all weights, or LoRA with and without dropout. */
@Tag("native")
final class LlamaGradientTest {
  /**
   * Backward goes through some 40 operations, whose sums have at most 53 terms; rounding errors of
   * either sign grow with the root of their number: √(40·53) = 46, and 5 times it is never seen.
   */
  private static final double TOLERANCE = 230 * U;

  /** Losses see half the operations. */
  private static final double LOSS_TOLERANCE = 115 * U;

  @ParameterizedTest
  @CsvSource({"ALL,0,false", "ALL,0,true", "LORA,0,false", "LORA,0.25,false", "LORA,0.25,true"})
  void agreeWithLibtorch(Training training, double dropout, boolean recompute) {
    Optional<DropoutKeys> keys = dropout > 0 ? TinyLlama.dropout() : Optional.empty();
    PassOptions options = new PassOptions(Optional.empty(), keys, recompute);
    try (Device device = Device.cpu(2);
        Tensors tensors = new Tensors(device);
        TinyLlama llama = new TinyLlama(device, training, dropout);
        LibTorch torch = LibTorch.open(Precision.FLOAT64, Gradients.ON)) {
      float[] losses = llama.forwardAndBackward(options);
      TorchLlama reference = new TorchLlama(torch, device, tensors, llama, dropout, keys);
      var expected = reference.losses();
      expected.total().mul(TinyLlama.LOSS_SCALE).backward();
      Close.assertRelative(floats(expected.toDoubles()), losses, LOSS_TOLERANCE, "losses");
      for (Parameter parameter : llama.trained()) {
        Close.assertRelative(
            floats(reference.gradient(parameter).toDoubles()),
            parameter.gradient().orElseThrow().toFloats(),
            TOLERANCE,
            parameter.name());
      }
      assertFrozenWeightsHaveNone(llama);
    }
  }

  private static void assertFrozenWeightsHaveNone(TinyLlama llama) {
    for (Parameter parameter : llama.model().parameters()) {
      assertEquals(parameter.isTrainable(), parameter.gradient().isPresent(), parameter.name());
    }
  }

  /** The loss errs by LOSS_TOLERANCE of itself at the very most; a third of that is its noise. */
  @ParameterizedTest
  @CsvSource({"ALL,0", "LORA,0", "LORA,0.25", "QLORA,0.25"})
  void agreeWithDifferencesOfTheLoss(Training training, double dropout) {
    Optional<DropoutKeys> keys = dropout > 0 ? TinyLlama.dropout() : Optional.empty();
    PassOptions options = new PassOptions(Optional.empty(), keys, false);
    try (Device device = Device.cpu(1);
        TinyLlama llama = new TinyLlama(device, training, dropout)) {
      llama.forwardAndBackward(options);
      double noise = LOSS_TOLERANCE / 3 * llama.loss(options);
      for (Parameter parameter : llama.trained()) {
        float[] gradient = parameter.gradient().orElseThrow().toFloats();
        FiniteDifference.check(
            parameter.value(), gradient, () -> llama.loss(options), noise, parameter.name());
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"ALL,0", "LORA,0", "LORA,0.25", "QLORA,0.25", "DORA,0", "DORA,0.25"})
  void recomputeChangesNoBit(Training training, double dropout) {
    PassOptions kept = new PassOptions(Optional.empty(), TinyLlama.dropout(), false);
    PassOptions again = new PassOptions(Optional.empty(), TinyLlama.dropout(), true);
    try (Device device = Device.cpu(2);
        TinyLlama first = new TinyLlama(device, training, dropout);
        TinyLlama second = new TinyLlama(device, training, dropout)) {
      assertArrayEquals(first.forwardAndBackward(kept), second.forwardAndBackward(again));
      assertSameGradients(first, second);
    }
  }

  @ParameterizedTest
  @CsvSource({"ALL,0", "LORA,0.25", "QLORA,0.25", "DORA,0"})
  void gradientsAreTheSameBitsEveryTime(Training training, double dropout) {
    PassOptions options = new PassOptions(Optional.empty(), TinyLlama.dropout(), false);
    try (Device device = Device.cpu(2);
        Device other = Device.cpu(2);
        TinyLlama first = new TinyLlama(device, training, dropout);
        TinyLlama second = new TinyLlama(other, training, dropout)) {
      first.forwardAndBackward(options);
      second.forwardAndBackward(options);
      assertSameGradients(first, second);
    }
  }

  private static void assertSameGradients(TinyLlama first, TinyLlama second) {
    List<float[]> expected = first.gradients();
    List<float[]> actual = second.gradients();
    for (int i = 0; i < expected.size(); i++) {
      assertArrayEquals(expected.get(i), actual.get(i), first.trained().get(i).name());
    }
  }

  private static float[] floats(double[] values) {
    float[] floats = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      floats[i] = (float) values[i];
    }
    return floats;
  }
}
