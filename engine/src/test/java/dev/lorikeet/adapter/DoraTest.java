package dev.lorikeet.adapter;

import static dev.lorikeet.fixture.Rounding.U;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.fixture.Close;
import dev.lorikeet.fixture.DropoutFactors;
import dev.lorikeet.fixture.Tensors;
import dev.lorikeet.kernel.DeviceMatrix;
import dev.lorikeet.nn.BaseWeight;
import dev.lorikeet.nn.DenseLinear;
import dev.lorikeet.nn.DropoutKeys;
import dev.lorikeet.nn.Linear;
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
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("native")
final class DoraTest {
  private static final int IN = 29;
  private static final int OUT = 17;
  private static final int RANK = 5;
  private static final double SCALE = 8 / Math.sqrt(RANK);

  /**
   * Sums of at most in + r, out + r or T products and a dozen roundings of factors; z = (y − b)/c
   * loses up to |b|/|cz|, some ten times, in a few elements.
   */
  private static double tolerance(int rows) {
    return (Math.max(rows, IN) + RANK + 12) * 2 * U;
  }

  /** 16,001 rows are several tiles of 2¹⁷ numbers. */
  @ParameterizedTest
  @CsvSource({"13, 0, NO", "13, 0, YES", "16001, 0, YES", "13, 0.3, NO", "13, 0.3, YES"})
  void agreesWithLibtorchInFloat64(int rows, double dropout, DenseLinear.Bias bias) {
    compare(rows, dropout, bias, 1);
  }

  /** Every third magnitude is far below the norm or zero: y says nothing of z there. */
  @ParameterizedTest
  @ValueSource(doubles = {0, 1e-3, -1e-5})
  void rowsWhoseFactorVanishesStillHaveTheirGradient(double share) {
    compare(13, 0, DenseLinear.Bias.YES, share);
  }

  private static void compare(int rows, double dropout, DenseLinear.Bias bias, double share) {
    PassOptions options =
        new PassOptions(Optional.empty(), Optional.of(new DropoutKeys(3, 4)), false);
    try (Device device = Device.cpu(2);
        Tensors tensors = new Tensors(device);
        Lora lora = lora(tensors, base(tensors, bias), dropout);
        Dora dora = new Dora(lora, magnitude(tensors, share).retain());
        Pass pass = new Pass(device, Mode.RECORD, Sequences.of(new int[rows]), options);
        LibTorch torch = LibTorch.open(Precision.FLOAT64, Gradients.ON)) {
      Tensor given = tensors.normal("x", rows, IN);
      Tensor upstream = tensors.normal("dy", rows, OUT);
      Var x = pass.tape().leaf(given.retain());
      Var y = dora.forward(pass, x);
      float[] values = y.value().toFloats();
      pass.tape().backward(y, upstream.retain());

      TorchValue xs = torch.leaf(given);
      TorchValue a = torch.leaf(lora.a().value());
      TorchValue b = torch.leaf(lora.b().value());
      TorchValue m = torch.leaf(dora.magnitude().value());
      TorchValue w = torch.view(((DenseLinear) lora.base()).weight().value());
      // The norm counts as a constant: it is computed from copies without gradients.
      TorchValue merged =
          torch.view(lora.b().value()).matmul(torch.view(lora.a().value())).mul(SCALE).add(w);
      TorchValue norm = merged.square().sum(1).rsqrt().reshape(1, -1);
      TorchValue c = m.reshape(1, -1).mul(norm);
      TorchValue dropped = xs.mul(torch.view(mask(tensors, pass, rows, dropout)));
      TorchValue update = dropped.matmul(a.transpose(0, 1)).matmul(b.transpose(0, 1)).mul(SCALE);
      TorchValue wx = xs.matmul(w.transpose(0, 1));
      TorchValue expected =
          wx.add(c.add(-1).mul(dropped.matmul(w.transpose(0, 1)))).add(c.mul(update));
      if (lora.base() instanceof BaseWeight weight && weight.bias().isPresent()) {
        expected = expected.add(torch.view(weight.bias().get().value()).reshape(1, -1));
      }
      expected.mul(torch.view(upstream)).total().backward();

      assertClose(expected, values, rows, "y");
      assertClose(a.gradient(), gradient(lora.a()), rows, "dA");
      assertClose(b.gradient(), gradient(lora.b()), rows, "dB");
      assertClose(m.gradient(), gradient(dora.magnitude()), rows, "dm");
      try (Tensor dx = pass.tape().takeGradient(x)) {
        assertClose(xs.gradient(), dx.toFloats(), rows, "dx");
      }
    }
  }

  private static float[] gradient(Parameter parameter) {
    return parameter.gradient().orElseThrow().toFloats();
  }

  private static void assertClose(TorchValue expected, float[] actual, int rows, String what) {
    Close.assertRelative(expected.toDoubles(), actual, tolerance(rows), what);
  }

  private static Tensor mask(Tensors tensors, Pass pass, int rows, double rate) {
    try (Tensor rowKeys =
        pass.dropout().orElseThrow().rowKeys(pass.device(), pass.sequences(), "m")) {
      return tensors.of(DropoutFactors.of(rowKeys, IN, rate), rows, IN);
    }
  }

  /** Between half and twice the norms' size; every third row {@code share} of that. */
  private static Tensor magnitude(Tensors tensors, double share) {
    float[] values = Tensors.numbers("m", OUT);
    for (int i = 0; i < OUT; i++) {
      values[i] = (float) (12 * Math.exp(0.3 * values[i]) * (i % 3 == 0 ? share : 1));
    }
    return tensors.of(values, OUT);
  }

  private static DenseLinear base(Tensors tensors, DenseLinear.Bias bias) {
    Parameter weight = new Parameter("m.weight", tensors.normal("w", OUT, IN), Training.FROZEN);
    Optional<Parameter> values =
        bias == DenseLinear.Bias.YES
            ? Optional.of(new Parameter("m.bias", tensors.normal("bias", OUT), Training.FROZEN))
            : Optional.empty();
    return new DenseLinear("m", weight, values);
  }

  private static Lora lora(Tensors tensors, Linear base, double dropout) {
    return new Lora(
        base,
        new LoraSettings(RANK, 8, true, dropout, Targets.allLinear()).withDora(),
        tensors.normal("a", RANK, IN).retain(),
        tensors.normal("b", OUT, RANK).retain());
  }

  @ParameterizedTest
  @ValueSource(strings = {"YES", "NO"})
  void aFreshAdapterChangesNoBitOfTheOutput(DenseLinear.Bias bias) {
    LoraSettings settings = new LoraSettings(RANK, 8, false, 0.5, Targets.allLinear()).withDora();
    try (Device device = Device.cpu(2);
        Tensors tensors = new Tensors(device);
        Pass pass = Pass.inference(device, Sequences.of(new int[13]))) {
      DenseLinear base = base(tensors, bias);
      try (Lora lora = Lora.start(base, settings, device, new Rng(1));
          Dora dora = Dora.start(lora)) {
        Var x = pass.tape().constant(tensors.normal("x", 13, IN).retain());
        float[] plain = base.forward(pass, x).value().toFloats();
        assertArrayEquals(plain, dora.forward(pass, x).value().toFloats());
        assertEquals(OUT, dora.magnitude().value().elements());
      }
    }
  }

  /** One product A·Wᵀ for every change of A, B or m, however often the map runs. */
  @Test
  void normsAreComputedOnceAnUpdate() {
    try (Device device = Device.cpu(2);
        Tensors tensors = new Tensors(device)) {
      Counting base = new Counting(base(tensors, DenseLinear.Bias.NO));
      try (Lora lora = lora(tensors, base, 0);
          Dora dora = Dora.start(lora)) {
        for (int step = 1; step <= 3; step++) {
          for (Mode mode : new Mode[] {Mode.DISCARD, Mode.RECORD, Mode.INFERENCE}) {
            try (Pass pass =
                new Pass(device, mode, Sequences.of(new int[13]), PassOptions.none())) {
              Var x = pass.tape().constant(tensors.normal("x", 13, IN).retain());
              Var y = dora.forward(pass, x);
              if (mode == Mode.RECORD) {
                pass.tape().backward(y, tensors.normal("dy", 13, OUT).retain());
              }
            }
          }
          assertEquals(step, base.products, "at step " + step);
          for (Parameter p : new Parameter[] {lora.a(), lora.b(), dora.magnitude()}) {
            p.clearGradient();
          }
        }
        assertEquals(1, base.sums);
      }
    }
  }

  @Test
  void aRowOfZerosKeepsItsOutputAndHasNoGradientOfItsMagnitude() {
    try (Device device = Device.cpu(2);
        Tensors tensors = new Tensors(device)) {
      Tensor w = tensors.of(new float[] {0, 0, 3, 4}, 2, 2);
      DenseLinear base =
          new DenseLinear("m", new Parameter("m.weight", w, Training.FROZEN), Optional.empty());
      LoraSettings settings = new LoraSettings(1, 1, false, 0, Targets.allLinear()).withDora();
      try (Lora lora = Lora.start(base, settings, device, new Rng(1));
          Dora dora = Dora.start(lora);
          Pass pass = new Pass(device, Mode.RECORD, Sequences.of(new int[1]), PassOptions.none())) {
        assertArrayEquals(new float[] {0, 5}, dora.magnitude().value().toFloats());
        Var x = pass.tape().constant(tensors.of(new float[] {1, 1}, 1, 2).retain());
        Var y = dora.forward(pass, x);
        assertArrayEquals(new float[] {0, 7}, y.value().toFloats());
        pass.tape().backward(y, tensors.of(new float[] {1, 1}, 1, 2).retain());
        assertArrayEquals(new float[] {0, 7f / 5}, gradient(dora.magnitude()), 1e-6f);
      }
    }
  }

  @Test
  void theMergedWeightIsTheMap() {
    try (Device device = Device.cpu(2);
        Tensors tensors = new Tensors(device);
        Lora lora = lora(tensors, base(tensors, DenseLinear.Bias.YES), 0);
        Dora dora = new Dora(lora, magnitude(tensors, 1).retain());
        Pass pass = Pass.inference(device, Sequences.of(new int[13]))) {
      Tensor merged = tensors.empty(OUT, IN);
      for (int from = 0; from < OUT; from += 5) {
        try (Tensor rows = merged.rows(from, Math.min(5, OUT - from))) {
          dora.mergedRows(from, rows);
        }
      }
      BaseWeight weight = (BaseWeight) lora.base();
      DenseLinear plain =
          new DenseLinear("m", new Parameter("m.weight", merged, Training.FROZEN), weight.bias());
      Var x = pass.tape().constant(tensors.normal("x", 13, IN).retain());
      float[] expected = plain.forward(pass, x).value().toFloats();
      float[] actual = dora.forward(pass, x).value().toFloats();
      Close.assertRelative(expected, actual, tolerance(13), "merged");
      assertTrue(Close.frobenius(lora.base().forward(pass, x).value().toFloats(), actual) > 0.1);
    }
  }

  /** A base that counts what is asked of its weight. */
  private static final class Counting implements Linear, BaseWeight {
    private final DenseLinear base;
    private int products;
    private int sums;

    Counting(DenseLinear base) {
      this.base = base;
    }

    @Override
    public Var forward(Pass pass, Var x) {
      return base.forward(pass, x);
    }

    @Override
    public String name() {
      return base.name();
    }

    @Override
    public int inFeatures() {
      return base.inFeatures();
    }

    @Override
    public int outFeatures() {
      return base.outFeatures();
    }

    @Override
    public float[] rowSquares() {
      sums++;
      return base.rowSquares();
    }

    @Override
    public DeviceMatrix onDevice() {
      return base.onDevice();
    }

    @Override
    public void timesTransposed(Tensor a, Tensor out) {
      products++;
      base.timesTransposed(a, out);
    }

    @Override
    public void readRows(int from, Tensor out) {
      base.readRows(from, out);
    }

    @Override
    public Optional<Parameter> bias() {
      return base.bias();
    }
  }
}
