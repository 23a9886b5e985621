package dev.lorikeet.adapter;

import static dev.lorikeet.fixture.Rounding.U;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.fixture.Close;
import dev.lorikeet.fixture.DropoutFactors;
import dev.lorikeet.fixture.Fixture;
import dev.lorikeet.fixture.Tensors;
import dev.lorikeet.nn.DenseLinear;
import dev.lorikeet.nn.DropoutKeys;
import dev.lorikeet.nn.Pass;
import dev.lorikeet.nn.PassOptions;
import dev.lorikeet.nn.Sequences;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.tape.Tape.Mode;
import dev.lorikeet.tape.Var;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.LibTorch;
import dev.lorikeet.torch.LibTorch.Gradients;
import dev.lorikeet.torch.LibTorch.Precision;
import dev.lorikeet.torch.Rng;
import dev.lorikeet.torch.Tensor;
import dev.lorikeet.torch.TorchValue;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

@Tag("native")
final class LoraTest {
  private static final int ROWS = 13;
  private static final int IN = 29;
  private static final int OUT = 17;
  private static final int RANK = 5;

  /** Sums of at most in + r, out + r or T products, and three roundings. */
  private static double tolerance(int rows, int in, int out, int rank) {
    return (Math.max(rows, Math.max(in, out)) + rank + 3) * U;
  }

  @Test
  @Tag("reference")
  void agreesWithTheGoldenCases() {
    try (Device device = Device.cpu(2);
        Fixture golden = new Fixture("kernels/lora_linear.safetensors")) {
      for (JsonNode setting : Fixture.json("kernels/lora_linear.json")) {
        golden(device, golden, setting);
        assertEquals(0, device.memory().currentBytes());
      }
    }
  }

  private static void golden(Device device, Fixture golden, JsonNode setting) {
    String name = setting.get("name").asString() + ".";
    int rows = setting.get("rows").asInt();
    int rank = setting.get("r").asInt();
    LoraSettings settings =
        new LoraSettings(rank, setting.get("lora_alpha").asDouble(), false, 0, Targets.allLinear());
    Parameter weight =
        new Parameter("m.weight", golden.tensor(device, name + "weight"), Training.TRAINABLE);
    Optional<Parameter> bias =
        setting.get("bias").asBoolean()
            ? Optional.of(
                new Parameter("m.bias", golden.tensor(device, name + "bias"), Training.TRAINABLE))
            : Optional.empty();
    DenseLinear base = new DenseLinear("m", weight, bias);
    double tolerance = tolerance(rows, base.inFeatures(), base.outFeatures(), rank);
    try (weight;
        Lora lora =
            new Lora(
                base,
                settings,
                golden.tensor(device, name + "lora_a"),
                golden.tensor(device, name + "lora_b"));
        Pass pass =
            new Pass(device, Mode.RECORD, Sequences.of(new int[rows]), PassOptions.none())) {
      Var x = pass.tape().leaf(golden.tensor(device, name + "x"));
      Var y = lora.forward(pass, x);
      Close.assertRelative(golden.floats(name + "y"), y.value().toFloats(), tolerance, name + "y");
      pass.tape().backward(y, golden.tensor(device, name + "dy"));
      try (Tensor dx = pass.tape().takeGradient(x)) {
        Close.assertRelative(golden.floats(name + "dx"), dx.toFloats(), tolerance, name + "dx");
      }
      assertGradient(golden, name + "dweight", weight, tolerance);
      assertGradient(golden, name + "dlora_a", lora.a(), tolerance);
      assertGradient(golden, name + "dlora_b", lora.b(), tolerance);
      bias.ifPresent(b -> assertGradient(golden, name + "dbias", b, tolerance));
    }
    bias.ifPresent(Parameter::close);
  }

  private static void assertGradient(
      Fixture golden, String name, Parameter parameter, double tolerance) {
    float[] actual = parameter.gradient().orElseThrow().toFloats();
    Close.assertRelative(golden.floats(name), actual, tolerance, name);
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.3})
  void agreesWithLibtorchOverAFrozenBase(double dropout) {
    LoraSettings settings = new LoraSettings(RANK, 8, true, dropout, Targets.allLinear());
    PassOptions options =
        new PassOptions(Optional.empty(), Optional.of(new DropoutKeys(3, 4)), false);
    try (Device device = Device.cpu(2);
        Tensors tensors = new Tensors(device);
        Lora lora = lora(tensors, settings);
        Pass pass = new Pass(device, Mode.RECORD, Sequences.of(new int[ROWS]), options);
        LibTorch torch = LibTorch.open(Precision.FLOAT64, Gradients.ON)) {
      Tensor given = tensors.normal("x", ROWS, IN);
      Tensor upstream = tensors.normal("dy", ROWS, OUT);
      Var x = pass.tape().leaf(given.retain());
      Var y = lora.forward(pass, x);
      float[] values = y.value().toFloats();
      pass.tape().backward(y, upstream.retain());

      TorchValue xs = torch.leaf(given);
      TorchValue a = torch.leaf(lora.a().value());
      TorchValue b = torch.leaf(lora.b().value());
      TorchValue w = torch.view(((DenseLinear) lora.base()).weight().value());
      TorchValue dropped = xs.mul(torch.view(mask(tensors, pass, dropout)));
      TorchValue update = dropped.matmul(a.transpose(0, 1)).matmul(b.transpose(0, 1));
      TorchValue expected = xs.matmul(w.transpose(0, 1)).add(update.mul(8 / Math.sqrt(RANK)));
      expected.mul(torch.view(upstream)).total().backward();

      assertClose(expected, values, "y");
      assertClose(a.gradient(), lora.a().gradient().orElseThrow().toFloats(), "dA");
      assertClose(b.gradient(), lora.b().gradient().orElseThrow().toFloats(), "dB");
      try (Tensor dx = pass.tape().takeGradient(x)) {
        assertClose(xs.gradient(), dx.toFloats(), "dx");
      }
      assertTrue(((DenseLinear) lora.base()).weight().gradient().isEmpty());
    }
  }

  private static void assertClose(TorchValue expected, float[] actual, String what) {
    Close.assertRelative(expected.toDoubles(), actual, tolerance(ROWS, IN, OUT, RANK), what);
  }

  private static Tensor mask(Tensors tensors, Pass pass, double rate) {
    try (Tensor rowKeys =
        pass.dropout().orElseThrow().rowKeys(pass.device(), pass.sequences(), "m")) {
      return tensors.of(DropoutFactors.of(rowKeys, IN, rate), ROWS, IN);
    }
  }

  private static Lora lora(Tensors tensors, LoraSettings settings) {
    Parameter weight = new Parameter("m.weight", tensors.normal("w", OUT, IN), Training.FROZEN);
    DenseLinear base = new DenseLinear("m", weight, Optional.empty());
    return new Lora(
        base,
        settings,
        tensors.normal("a", RANK, IN).retain(),
        tensors.normal("b", OUT, RANK).retain());
  }

  @Test
  void aFreshAdapterChangesNoBitOfTheOutput() {
    LoraSettings settings = new LoraSettings(RANK, 8, false, 0.5, Targets.allLinear());
    try (Device device = Device.cpu(2);
        Tensors tensors = new Tensors(device);
        Pass pass = Pass.inference(device, Sequences.of(new int[ROWS]))) {
      Parameter weight = new Parameter("m.weight", tensors.normal("w", OUT, IN), Training.FROZEN);
      DenseLinear base = new DenseLinear("m", weight, Optional.empty());
      try (Lora lora = Lora.start(base, settings, device, new Rng(1));
          Lora same = Lora.start(base, settings, device, new Rng(1))) {
        Var x = pass.tape().constant(tensors.normal("x", ROWS, IN).retain());
        float[] plain = base.forward(pass, x).value().toFloats();
        assertArrayEquals(plain, lora.forward(pass, x).value().toFloats());
        float[] a = lora.a().value().toFloats();
        assertArrayEquals(a, same.a().value().toFloats(), "the start depends on the seed only");
        double bound = 1 / Math.sqrt(IN);
        double largest = dev.lorikeet.fixture.Rounding.max(a);
        assertTrue(largest <= bound && largest > 0.9 * bound, largest + " of " + bound);
      }
    }
  }

  @Test
  void aGaussianStartHasTheDeviationOneOverRAndChangesNoBit() {
    LoraSettings settings =
        new LoraSettings(
            RANK,
            8,
            false,
            0,
            Targets.allLinear(),
            Map.of(),
            Map.of(),
            List.of(),
            LoraStart.GAUSSIAN);
    int in = 3000;
    try (Device device = Device.cpu(1);
        Tensors tensors = new Tensors(device);
        Pass pass = Pass.inference(device, Sequences.of(new int[ROWS]))) {
      Parameter weight = new Parameter("m.weight", tensors.normal("w", OUT, in), Training.FROZEN);
      DenseLinear base = new DenseLinear("m", weight, Optional.empty());
      try (Lora lora = Lora.start(base, settings, device, new Rng(1))) {
        double squares = 0;
        for (float value : lora.a().value().toFloats()) {
          squares += (double) value * value;
        }
        int count = RANK * in;
        double variance = 1.0 / (RANK * RANK);
        // The mean of squares of normal numbers: five standard deviations of it.
        assertEquals(variance, squares / count, 5 * variance * Math.sqrt(2.0 / count));
        Var x = pass.tape().constant(tensors.normal("x", ROWS, in).retain());
        assertArrayEquals(
            base.forward(pass, x).value().toFloats(), lora.forward(pass, x).value().toFloats());
      }
    }
  }

  @Test
  void dropoutIsForTrainingOnly() {
    LoraSettings settings = new LoraSettings(RANK, 8, false, 0.5, Targets.allLinear());
    LoraSettings none = new LoraSettings(RANK, 8, false, 0, Targets.allLinear());
    try (Device device = Device.cpu(2);
        Tensors tensors = new Tensors(device);
        Lora dropping = lora(tensors, settings);
        Lora keeping = lora(tensors, none);
        Pass pass = Pass.inference(device, Sequences.of(new int[ROWS]))) {
      Var x = pass.tape().constant(tensors.normal("x", ROWS, IN).retain());
      float[] expected = keeping.forward(pass, x).value().toFloats();
      assertArrayEquals(expected, dropping.forward(pass, x).value().toFloats());
    }
  }
}
