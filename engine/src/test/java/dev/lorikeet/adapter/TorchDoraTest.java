package dev.lorikeet.adapter;

import static dev.lorikeet.fixture.Rounding.U;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.lorikeet.fixture.Close;
import dev.lorikeet.fixture.Tensors;
import dev.lorikeet.kernel.CudaSource;
import dev.lorikeet.nn.DenseLinear;
import dev.lorikeet.nn.DropoutKeys;
import dev.lorikeet.nn.Pass;
import dev.lorikeet.nn.PassOptions;
import dev.lorikeet.nn.Sequences;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.tape.Tape.Mode;
import dev.lorikeet.tape.Var;
import dev.lorikeet.torch.DType;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.EmulatedCuda;
import dev.lorikeet.torch.Tensor;
import dev.lorikeet.torch.TorchDevice;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** DoRA where the host does not see the memory is DoRA on the CPU. */
@Tag("native")
final class TorchDoraTest {
  private static final int IN = 29;
  private static final int OUT = 17;
  private static final int RANK = 5;
  private static final int ROWS = 13;

  /** Both are as far from exact as {@link DoraTest} allows. */
  private static final double TOLERANCE = 2 * (IN + RANK + 12) * 2 * U;

  private static TorchDevice device(boolean kernels) {
    return TorchDevice.standIn(
        kernels ? Optional.of(EmulatedCuda.open(CudaSource.text())) : Optional.empty());
  }

  /** With magnitudes about the norms, far below, of the other sign and zero. */
  @ParameterizedTest
  @CsvSource({
    "FLOAT32, 0, 1, false",
    "FLOAT32, 0.3, 1, false",
    "FLOAT32, 0, 1e-3, false",
    "BFLOAT16, 0, -1e-5, false",
    "FLOAT32, 0, 0, false",
    "FLOAT32, 0, 1, true",
    "FLOAT32, 0.3, 1, true",
    "BFLOAT16, 0, 1e-3, true",
    "FLOAT16, 0, -1e-5, true",
    "FLOAT32, 0, 0, true"
  })
  void outputsAndGradientsAreThoseOfTheCpu(
      DType held, double dropout, float share, boolean kernels) {
    try (Device cpu = Device.cpu(1);
        TorchDevice torch = device(kernels)) {
      List<float[]> expected = trained(cpu, held, dropout, share);
      List<float[]> actual = trained(torch, held, dropout, share);
      for (int i = 0; i < expected.size(); i++) {
        Close.assertRelative(expected.get(i), actual.get(i), TOLERANCE, "y, dA, dB, dm, dx: " + i);
      }
      assertEquals(0, torch.blocks());
    }
  }

  /** y and the gradients of A, B, m and x. */
  private static List<float[]> trained(Device device, DType held, double dropout, float share) {
    PassOptions options =
        new PassOptions(Optional.empty(), Optional.of(new DropoutKeys(3, 4)), false);
    List<float[]> results = new ArrayList<>();
    try (Parameter weight = new Parameter("m.weight", weight(device, held), Training.FROZEN);
        Parameter bias = new Parameter("m.bias", normal(device, "bias", OUT), Training.FROZEN);
        Lora lora = lora(device, new DenseLinear("m", weight, Optional.of(bias)), dropout);
        Dora dora = new Dora(lora, magnitude(device, share));
        Pass pass = new Pass(device, Mode.RECORD, Sequences.of(new int[ROWS]), options)) {
      Var x = pass.tape().leaf(normal(device, "x", ROWS, IN));
      Var y = dora.forward(pass, x);
      results.add(y.value().toFloats());
      pass.tape().backward(y, normal(device, "dy", ROWS, OUT));
      for (Parameter parameter : List.of(lora.a(), lora.b(), dora.magnitude())) {
        results.add(parameter.gradient().orElseThrow().toFloats());
      }
      try (Tensor dx = pass.tape().takeGradient(x)) {
        results.add(dx.toFloats());
      }
    }
    return results;
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aFreshAdapterChangesNoBitOfTheOutput(boolean kernels) {
    try (TorchDevice torch = device(kernels);
        Parameter weight =
            new Parameter("m.weight", weight(torch, DType.FLOAT32), Training.FROZEN);
        Parameter bias = new Parameter("m.bias", normal(torch, "bias", OUT), Training.FROZEN);
        Pass pass = Pass.inference(torch, Sequences.of(new int[ROWS]))) {
      DenseLinear base = new DenseLinear("m", weight, Optional.of(bias));
      Var x = pass.tape().constant(normal(torch, "x", ROWS, IN));
      float[] plain = base.forward(pass, x).value().toFloats();
      try (Lora lora = lora(torch, base, 0)) {
        lora.b().value().zero();
        try (Dora dora = Dora.start(lora)) {
          assertArrayEquals(plain, dora.forward(pass, x).value().toFloats());
        }
      }
    }
  }

  private static Tensor normal(Device device, String seed, long... shape) {
    Tensor tensor = device.floats(shape);
    return tensor.copyFrom(Tensors.numbers(seed, Math.toIntExact(tensor.elements())));
  }

  private static Tensor weight(Device device, DType held) {
    Tensor floats = normal(device, "w", OUT, IN);
    if (held == DType.FLOAT32) {
      return floats;
    }
    try (floats) {
      return device.empty(held, OUT, IN).roundFrom(floats);
    }
  }

  private static Lora lora(Device device, DenseLinear base, double dropout) {
    return new Lora(
        base,
        new LoraSettings(RANK, 8, true, dropout, Targets.allLinear()).withDora(),
        normal(device, "a", RANK, IN),
        normal(device, "b", OUT, RANK));
  }

  /** Between half and twice the norms' size; every third row {@code share} of that. */
  private static Tensor magnitude(Device device, float share) {
    float[] values = Tensors.numbers("m", OUT);
    for (int i = 0; i < OUT; i++) {
      values[i] = (float) (12 * Math.exp(0.3 * values[i]) * (i % 3 == 0 ? share : 1));
    }
    return device.floats(OUT).copyFrom(values);
  }
}
