package dev.lorikeet.tape;

import static dev.lorikeet.fixture.Rounding.EXP;
import static dev.lorikeet.fixture.Rounding.U;

import dev.lorikeet.fixture.Close;
import dev.lorikeet.fixture.Fixture;
import dev.lorikeet.fixture.Rounding;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.tape.Tape.Mode;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Output head and cross-entropy together, as a loss uses them. */
@Tag("native")
@Tag("reference")
final class HeadLossTest {

  @Test
  void agreesWithTheGoldenCases() {
    try (Device device = Device.cpu(2);
        Fixture golden = new Fixture("kernels/head_loss.safetensors")) {
      for (JsonNode setting : Fixture.json("kernels/head_loss.json")) {
        check(device, golden, setting);
      }
    }
  }

  /**
   * A logit errs by width·U of its magnitudes, which are at most the largest norms' product; so
   * does a probability, with its exponential, the sum of V and four roundings. The gradients sum V
   * or T of them.
   */
  private static void check(Device device, Fixture golden, JsonNode setting) {
    String name = setting.get("name").asString() + ".";
    int rows = setting.get("rows").asInt();
    int width = setting.get("width").asInt();
    int vocabulary = setting.get("vocab").asInt();
    double magnitude =
        width
            * Rounding.max(golden.floats(name + "hidden"))
            * Rounding.max(golden.floats(name + "weight"));
    double logit = width * U * magnitude;
    double probability = 2 * logit + (vocabulary / 8.0 + 10) * U + 2 * EXP;
    double tolerance = probability + Math.max(rows, vocabulary) * U;
    try (Parameter weight =
            new Parameter("head", golden.tensor(device, name + "weight"), Training.TRAINABLE);
        Tensor labels = device.ints(Fixture.ints(setting.get("targets")));
        Tensor losses = device.floats(rows);
        Tape tape = new Tape(device, Mode.RECORD)) {
      Var hidden = tape.leaf(golden.tensor(device, name + "hidden"));
      Var logits = Ops.linear(tape, hidden, weight);
      Tensor gradient = logits.value().emptyLike().copyFrom(logits.value());
      tape.kernels().crossEntropyWithGradient(gradient, labels, losses, 1f / rows);
      tape.backward(logits, gradient);
      Close.assertRelative(
          golden.floats(name + "losses"), losses.toFloats(), tolerance, name + "losses");
      try (Tensor dHidden = tape.takeGradient(hidden)) {
        Close.assertRelative(
            golden.floats(name + "dhidden"), dHidden.toFloats(), tolerance, name + "dhidden");
      }
      Close.assertRelative(
          golden.floats(name + "dweight"),
          weight.gradient().orElseThrow().toFloats(),
          tolerance,
          name + "dweight");
    }
  }
}
