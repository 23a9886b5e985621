package dev.lorikeet.tape;

import static dev.lorikeet.fixture.Rounding.U;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.fixture.Close;
import dev.lorikeet.fixture.Rounding;
import dev.lorikeet.fixture.Tensors;
import dev.lorikeet.kernel.AttentionShape;
import dev.lorikeet.kernel.DropoutMask;
import dev.lorikeet.kernel.Segments;
import dev.lorikeet.tape.GradientCheck.Network;
import dev.lorikeet.tape.Ops.RopeTables;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.tape.Tape.Mode;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.LibTorch;
import dev.lorikeet.torch.Tensor;
import dev.lorikeet.torch.TorchValue;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Every operation's gradient, against libtorch's differentiation and against differences. */
@Tag("native")
final class OpsTest {
  private static final int ROWS = 13;

  private final Device device = Device.cpu(2);
  private final Tensors tensors = new Tensors(device);
  private final GradientCheck gradients = new GradientCheck(device, tensors);

  @AfterEach
  void close() {
    tensors.close();
    assertEquals(0, device.memory().currentBytes(), "everything is freed");
    device.close();
  }

  @Test
  void embedding() {
    Parameter table = weight("table", 5, 7);
    Tensor ids = tensors.ids("ids", ROWS, 5);
    gradients.check(
        "embedding",
        ROWS,
        new Network(
            (tape, in) -> Ops.embedding(tape, table, ids),
            (torch, in) -> in[0].rowsAt(torch.view(ids)),
            new Tensor[0],
            new Parameter[] {table}));
  }

  @Test
  void selectedRows() {
    Tensor rows = tensors.ints(0, 3, 12, 7);
    gradients.check(
        "selectRows",
        1,
        new Network(
            (tape, in) -> Ops.selectRows(tape, in[0], rows),
            (torch, in) -> in[0].rowsAt(torch.view(rows)),
            new Tensor[] {tensors.normal("x", ROWS, 7)},
            new Parameter[0]));
  }

  @Test
  void selectedRowsOfAValueThatIsAlsoUsedElsewhere() {
    Tensor rows = tensors.ints(2, 5);
    Parameter w = weight("w", 7, 7);
    gradients.check(
        "selectRows twice",
        40,
        new Network(
            (tape, in) -> {
              Var left = Ops.selectRows(tape, in[0], rows);
              Var right = Ops.selectRows(tape, Ops.linear(tape, in[0], w), rows);
              return Ops.residual(tape, left, right);
            },
            (torch, in) -> {
              TorchValue at = torch.view(rows);
              return in[0].rowsAt(at).add(linear(in[0], in[1]).rowsAt(at));
            },
            new Tensor[] {tensors.normal("x", ROWS, 7)},
            new Parameter[] {w}));
  }

  @Test
  void linearWithBias() {
    Parameter w = weight("w", 11, 7);
    Parameter b = weight("b", 11);
    gradients.check(
        "linear",
        ROWS + 11,
        new Network(
            (tape, in) -> Ops.bias(tape, Ops.linear(tape, in[0], w), b),
            (torch, in) -> linear(in[0], in[1]).add(in[2]),
            new Tensor[] {tensors.normal("x", ROWS, 7)},
            new Parameter[] {w, b}));
  }

  private static TorchValue linear(TorchValue x, TorchValue w) {
    return x.matmul(w.transpose(0, 1));
  }

  @Test
  void rmsNorm() {
    Parameter w = weight("w", 24);
    gradients.check(
        "rmsNorm",
        ROWS + 80,
        new Network(
            (tape, in) -> Ops.rmsNorm(tape, in[0], w, 1e-5),
            (torch, in) -> normed(in[0], in[1]),
            new Tensor[] {tensors.normal("x", ROWS, 24)},
            new Parameter[] {w}));
  }

  private static TorchValue normed(TorchValue x, TorchValue w) {
    return x.mul(x.square().mean(1).add(1e-5).rsqrt()).mul(w);
  }

  @Test
  void ropeAfterALinearMap() {
    Parameter w = weight("w", 12, 7);
    Tensor cos = tensors.normal("cos", 9, 3);
    Tensor sin = tensors.normal("sin", 9, 3);
    Tensor positions = tensors.ids("positions", ROWS, 9);
    gradients.check(
        "rope",
        ROWS + 30,
        new Network(
            (tape, in) ->
                Ops.rope(
                    tape,
                    Ops.linear(tape, in[0], w),
                    new RopeTables(6, cos, sin, positions, false)),
            (torch, in) -> {
              TorchValue at = torch.view(positions);
              TorchValue heads = linear(in[0], in[1]).reshape(ROWS, 2, 6);
              TorchValue c = torch.view(cos).rowsAt(at).reshape(ROWS, 1, 3);
              TorchValue s = torch.view(sin).rowsAt(at).reshape(ROWS, 1, 3);
              TorchValue a = heads.slice(2, 0, 3);
              TorchValue b = heads.slice(2, 3, 6);
              return torch.cat(2, a.mul(c).sub(b.mul(s)), b.mul(c).add(a.mul(s))).reshape(ROWS, 12);
            },
            new Tensor[] {tensors.normal("x", ROWS, 7)},
            new Parameter[] {w}));
  }

  @Test
  void attentionOverOneSegment() {
    AttentionShape shape = AttentionShape.causal(2, 1, 6);
    Segments segments = Segments.packed(new int[] {0}, new int[] {ROWS});
    gradients.check(
        "attention",
        400,
        new Network(
            (tape, in) -> Ops.attention(tape, shape, segments, in[0], in[1], in[2]),
            (torch, in) -> attended(torch, in, shape),
            new Tensor[] {
              tensors.normal("q", ROWS, 12),
              tensors.normal("k", ROWS, 6),
              tensors.normal("v", ROWS, 6)
            },
            new Parameter[0]));
  }

  /** Query, key and value may be one value: three gradients meet. */
  @Test
  void attentionOfAValueToItself() {
    AttentionShape shape = AttentionShape.causal(1, 1, 6);
    Segments segments = Segments.packed(new int[] {0}, new int[] {ROWS});
    gradients.check(
        "self attention",
        400,
        new Network(
            (tape, in) -> Ops.attention(tape, shape, segments, in[0], in[0], in[0]),
            (torch, in) -> attended(torch, new TorchValue[] {in[0], in[0], in[0]}, shape),
            new Tensor[] {tensors.normal("x", ROWS, 6)},
            new Parameter[0]));
  }

  private static TorchValue attended(LibTorch torch, TorchValue[] in, AttentionShape shape) {
    TorchValue q = in[0].reshape(ROWS, shape.heads(), shape.headDim()).transpose(0, 1);
    TorchValue k = in[1].reshape(ROWS, 1, shape.headDim()).transpose(0, 1);
    TorchValue v = in[2].reshape(ROWS, 1, shape.headDim()).transpose(0, 1);
    TorchValue distance = torch.range(ROWS).reshape(-1, 1).sub(torch.range(ROWS).reshape(1, -1));
    TorchValue scores =
        q.matmul(k.transpose(1, 2)).mul(shape.scale()).hiddenUnless(distance.atLeast(0));
    TorchValue p = scores.sub(scores.logSumExp(2)).exp();
    return p.matmul(v).transpose(0, 1).reshape(ROWS, (long) shape.heads() * shape.headDim());
  }

  @Test
  void swiglu() {
    gradients.check(
        "swiglu",
        30,
        new Network(
            (tape, in) -> Ops.swiglu(tape, in[0], in[1]),
            (torch, in) -> in[0].mul(in[0].sigmoid()).mul(in[1]),
            new Tensor[] {tensors.normal("gate", ROWS, 7), tensors.normal("up", ROWS, 7)},
            new Parameter[0]));
  }

  @Test
  void dropout() {
    DropoutMask mask = new DropoutMask(0.4, tensors.ids("keys", ROWS, Integer.MAX_VALUE));
    int[] keys = mask.rowKeys().segment().toArray(ValueLayout.JAVA_INT);
    float[] factors = new float[ROWS * 7];
    for (int i = 0; i < factors.length; i++) {
      int hash = DropoutMask.hash(keys[i / 7], i % 7);
      boolean kept = Integer.compareUnsigned(hash, mask.threshold()) >= 0;
      factors[i] = kept ? mask.keptScale() : 0f;
    }
    Tensor factor = tensors.of(factors, ROWS, 7);
    gradients.check(
        "dropout",
        4,
        new Network(
            (tape, in) -> Ops.residual(tape, Ops.dropout(tape, in[0], mask), in[0]),
            (torch, in) -> in[0].mul(torch.view(factor)).add(in[0]),
            new Tensor[] {tensors.normal("x", ROWS, 7)},
            new Parameter[0]));
  }

  /** x is read by the norm, by both maps and by two sums: its gradient collects them all. */
  @Test
  void aValueSharedByManyCollectsTheGradientsOfAll() {
    Parameter norm = weight("norm", 7);
    Parameter w = weight("w", 7, 7);
    gradients.check(
        "shared",
        200,
        new Network(
            (tape, in) -> {
              Var normed = Ops.rmsNorm(tape, in[0], norm, 1e-5);
              Var mapped = Ops.linear(tape, normed, w);
              Var gated = Ops.swiglu(tape, mapped, Ops.linear(tape, in[0], w));
              Var sum = Ops.residual(tape, in[0], gated);
              return Ops.residual(tape, sum, sum);
            },
            (torch, in) -> {
              TorchValue mapped = linear(normed(in[0], in[1]), in[2]);
              TorchValue gated = mapped.mul(mapped.sigmoid()).mul(linear(in[0], in[2]));
              return in[0].add(gated).mul(2);
            },
            new Tensor[] {tensors.normal("x", ROWS, 7)},
            new Parameter[] {norm, w}));
  }

  /** The stem and the branch get one gradient, which the branch then turns or adds to in place. */
  @Test
  void theBranchOfAResidualDoesNotChangeTheGradientOfItsStem() {
    Parameter w = weight("w", 6, 6);
    Tensor cos = tensors.normal("cos", 1, 3);
    Tensor sin = tensors.normal("sin", 1, 3);
    Tensor positions = tensors.ints(new int[ROWS]);
    gradients.check(
        "turned branch",
        80,
        new Network(
            (tape, in) -> {
              Var branch =
                  Ops.rope(
                      tape,
                      Ops.linear(tape, in[0], w),
                      new RopeTables(6, cos, sin, positions, false));
              return Ops.residual(tape, in[0], branch);
            },
            (torch, in) -> {
              TorchValue y = linear(in[0], in[1]);
              TorchValue a = y.slice(1, 0, 3);
              TorchValue b = y.slice(1, 3, 6);
              TorchValue c = torch.view(cos);
              TorchValue s = torch.view(sin);
              return in[0].add(torch.cat(1, a.mul(c).sub(b.mul(s)), b.mul(c).add(a.mul(s))));
            },
            new Tensor[] {tensors.normal("x", ROWS, 6)},
            new Parameter[] {w}));
    Parameter v = weight("v", 6, 6);
    gradients.check(
        "mapped branch",
        40,
        new Network(
            (tape, in) -> Ops.residual(tape, in[0], Ops.linear(tape, in[0], v)),
            (torch, in) -> in[0].add(linear(in[0], in[1])),
            new Tensor[] {tensors.normal("x", ROWS, 6)},
            new Parameter[] {v}));
  }

  @Test
  void frozenWeightsGetNoGradientAndConstantsStopTheFlow() {
    Parameter frozen = frozen("frozen", 7, 7);
    Parameter bias = frozen("bias", 7);
    Parameter norm = frozen("norm", 7);
    Parameter trained = weight("trained", 7, 7);
    try (Tape tape = new Tape(device, Mode.RECORD)) {
      Var x = tape.constant(device.floats(ROWS, 7).copyFrom(Tensors.numbers("x", ROWS * 7)));
      Var below = Ops.bias(tape, Ops.linear(tape, x, frozen), bias);
      assertFalse(below.needsGradient(), "nothing below is trained");
      Var trainedHere = Ops.linear(tape, below, trained);
      Var above = Ops.rmsNorm(tape, Ops.linear(tape, trainedHere, frozen), norm, 1e-5);
      assertTrue(above.needsGradient());
      tape.backward(above, device.floats(ROWS, 7).copyFrom(Tensors.numbers("g", ROWS * 7)));
    }
    for (Parameter parameter : List.of(frozen, bias, norm)) {
      assertEquals(Optional.empty(), parameter.gradient(), parameter.name());
    }
    float[] gradient = trained.gradient().orElseThrow().toFloats();
    assertTrue(Rounding.max(gradient) > 0);
    trained.clearGradient();
    assertEquals(0, Rounding.max(trained.gradient().orElseThrow().toFloats()));
    tensors.keep(trained.gradient().orElseThrow());
  }

  @Test
  void gradientsOfSeveralPassesAddUp() {
    Parameter w = weight("w", 7, 7);
    float[] once = afterPasses(w, 1);
    float[] thrice = afterPasses(w, 3);
    for (int i = 0; i < once.length; i++) {
      once[i] *= 3;
    }
    Close.assertRelative(once, thrice, 3 * U, "three passes");
    tensors.keep(w.gradient().orElseThrow());
  }

  private float[] afterPasses(Parameter w, int passes) {
    w.clearGradient();
    for (int i = 0; i < passes; i++) {
      try (Tape tape = new Tape(device, Mode.RECORD)) {
        Var x = tape.leaf(device.floats(ROWS, 7).copyFrom(Tensors.numbers("x", ROWS * 7)));
        Var y = Ops.linear(tape, x, w);
        tape.backward(y, device.floats(ROWS, 7).copyFrom(Tensors.numbers("g", ROWS * 7)));
      }
    }
    return w.gradient().orElseThrow().toFloats();
  }

  private Parameter weight(String name, long... shape) {
    return new Parameter(name, tensors.normal(name, shape), Training.TRAINABLE);
  }

  private Parameter frozen(String name, long... shape) {
    return new Parameter(name, tensors.normal(name, shape), Training.FROZEN);
  }

  @Test
  void inferenceGivesTheSameValuesAndRecordsNothing() {
    Parameter w = weight("w", 7, 7);
    List<float[]> results = new ArrayList<>();
    for (Mode mode : Mode.values()) {
      try (Tape tape = new Tape(device, mode)) {
        Var x = tape.leaf(device.floats(ROWS, 7).copyFrom(Tensors.numbers("x", ROWS * 7)));
        Var y = Ops.swiglu(tape, Ops.linear(tape, x, w), x);
        results.add(y.value().toFloats());
        assertEquals(mode != Mode.INFERENCE, y.needsGradient(), mode.toString());
      }
    }
    assertArrayEquals(results.get(0), results.get(1));
    assertArrayEquals(results.get(0), results.get(2));
    assertEquals(Optional.empty(), w.gradient());
  }
}
