package dev.lorikeet.kernel;

import static dev.lorikeet.fixture.Rounding.EXP;
import static dev.lorikeet.fixture.Rounding.U;
import static dev.lorikeet.fixture.Rounding.assertWithin;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.lorikeet.fixture.Fixture;
import dev.lorikeet.fixture.Tensors;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.LibTorch.Precision;
import dev.lorikeet.torch.Tensor;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

@Tag("native")
final class GateKernelTest {
  /** e^x is held above 1.2e-38 and below 2.5e38, so σ is off by at most this at the ends. */
  private static final double CLAMPED = 5e-39;

  private record Given(Tensor gate, Tensor up, Tensor dOut) {}

  @SuppressWarnings("ArrayRecordComponent") // only carries them, is never compared
  private record Expected(float[] out, float[] dGate, float[] dUp) {}

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 13, 64, 207, 300 * 576})
  void agreesWithThePlainFormula(int length) {
    try (Device device = Device.cpu(2);
        Tensors tensors = new Tensors(device)) {
      float[] gates = Tensors.numbers("gate", length);
      for (int i = 0; i < length; i++) {
        gates[i] *= 8; // both flat ends of the sigmoid
      }
      Given given =
          new Given(
              tensors.of(gates, 1, length),
              tensors.normal("up", 1, length),
              tensors.normal("dOut", 1, length));
      Expected expected = run(tensors, new TorchKernels(Precision.FLOAT64), given);
      verify(tensors, Kernels.of(device), given, expected, "length " + length);
      verify(tensors, Kernels.reference(device), given, expected, "float32 libtorch");
    }
  }

  @Test
  @Tag("reference")
  void agreesWithTheGoldenCases() {
    try (Device device = Device.cpu(2);
        Fixture golden = new Fixture("kernels/swiglu.safetensors");
        Tensors tensors = new Tensors(device)) {
      for (JsonNode setting : Fixture.json("kernels/swiglu.json")) {
        String name = setting.get("name").asString();
        Given given =
            new Given(
                tensors.keep(golden.tensor(device, name + ".gate")),
                tensors.keep(golden.tensor(device, name + ".up")),
                tensors.keep(golden.tensor(device, name + ".dy")));
        Expected expected =
            new Expected(
                golden.floats(name + ".y"),
                golden.floats(name + ".dgate"),
                golden.floats(name + ".dup"));
        verify(tensors, Kernels.of(device), given, expected, name);
        verify(tensors, Kernels.reference(device), given, expected, name + " in libtorch");
      }
    }
  }

  @Test
  void gradientsMayOverwriteTheirInputs() {
    try (Device device = Device.cpu(2);
        Tensors tensors = new Tensors(device)) {
      Given given =
          new Given(
              tensors.normal("gate", 1, 207),
              tensors.normal("up", 1, 207),
              tensors.normal("dOut", 1, 207));
      Expected expected = run(tensors, Kernels.of(device), given);
      Kernels.of(device).swigluBackward(given.dOut, given.gate, given.up, given.gate, given.up);
      assertArrayEquals(expected.dGate, given.gate.toFloats());
      assertArrayEquals(expected.dUp, given.up.toFloats());
    }
  }

  /**
   * s = 1/(1 + e^−g) errs by the exponential's error and two roundings of s. out = g·s·u adds two.
   * dg = dout·u·(s + gs − gs·s): s is in each term, at most twice, and 6 more roundings.
   */
  private static void verify(
      Tensors tensors, Kernels kernels, Given given, Expected expected, String what) {
    Expected actual = run(tensors, kernels, given);
    float[] g = given.gate.toFloats();
    float[] u = given.up.toFloats();
    float[] d = given.dOut.toFloats();
    double sigmoid = EXP + 2 * U;
    assertWithin(
        expected.out,
        actual.out,
        i ->
            (sigmoid + 2 * U) * Math.abs(expected.out[i])
                + CLAMPED * Math.abs((double) g[i] * u[i]),
        what + ": out");
    assertWithin(
        expected.dUp,
        actual.dUp,
        i ->
            (sigmoid + 2 * U) * Math.abs(expected.dUp[i])
                + CLAMPED * Math.abs((double) g[i] * d[i]),
        what + ": dUp");
    assertWithin(
        expected.dGate,
        actual.dGate,
        i -> {
          double s = 1 / (1 + Math.exp(-g[i]));
          double terms = s + Math.abs(g[i]) * s + Math.abs(g[i]) * s * s;
          double edge = CLAMPED * (1 + 2 * Math.abs(g[i]));
          return ((2 * sigmoid + 6 * U) * terms + edge) * Math.abs((double) d[i] * u[i]);
        },
        what + ": dGate");
  }

  private static Expected run(Tensors tensors, Kernels kernels, Given given) {
    Tensor out = tensors.empty(given.gate.shape());
    Tensor dGate = tensors.empty(given.gate.shape());
    Tensor dUp = tensors.empty(given.gate.shape());
    kernels.swiglu(given.gate, given.up, out);
    kernels.swigluBackward(given.dOut, given.gate, given.up, dGate, dUp);
    return new Expected(out.toFloats(), dGate.toFloats(), dUp.toFloats());
  }
}
