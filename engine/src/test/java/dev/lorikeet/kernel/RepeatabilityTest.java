package dev.lorikeet.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.lorikeet.fixture.Tensors;
import dev.lorikeet.kernel.Kernels.AttentionTensors;
import dev.lorikeet.kernel.Kernels.Into;
import dev.lorikeet.kernel.Kernels.Rotation;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The same bits: whoever works, however often, interpreted or compiled, in lanes or in a tail. */
@Tag("native")
final class RepeatabilityTest {
  private static final int ROWS = 61;
  private static final int WIDTH = 207;

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 5})
  void resultsDoNotDependOnTheNumberOfThreads(int threads) {
    assertSame(everyKernel(1, 1), everyKernel(threads, 1), threads + " threads");
  }

  @Test
  void resultsDoNotDependOnTheRun() {
    assertSame(everyKernel(2, 1), everyKernel(2, 1), "second run");
  }

  /** The first call is interpreted, the last one of so many is compiled. */
  @Test
  void resultsDoNotDependOnTheCompiler() {
    assertSame(everyKernel(1, 1), everyKernel(1, 400), "compiled");
  }

  @SuppressWarnings("ArrayRecordComponent") // only carries them, is never compared
  private record Named(String name, float[] values) {}

  private static void assertSame(List<Named> expected, List<Named> actual, String what) {
    assertEquals(expected.size(), actual.size());
    for (int i = 0; i < expected.size(); i++) {
      String name = expected.get(i).name + ", " + what;
      assertArrayEquals(expected.get(i).values, actual.get(i).values, name);
    }
  }

  private static List<Named> everyKernel(int threads, int times) {
    List<Named> results = new ArrayList<>();
    try (Device device = Device.cpu(threads)) {
      for (int i = 0; i < times; i++) {
        results.clear();
        try (Tensors tensors = new Tensors(device)) {
          rowsAndNorms(device, tensors, results);
          elements(device, tensors, results);
          attention(device, tensors, results);
        }
      }
    }
    return results;
  }

  private static void rowsAndNorms(Device device, Tensors tensors, List<Named> results) {
    Kernels kernels = Kernels.of(device);
    Tensor x = tensors.normal("x", ROWS, WIDTH);
    Tensor weight = tensors.normal("weight", WIDTH);
    Tensor dy = tensors.normal("dy", ROWS, WIDTH);
    Tensor ids = tensors.ids("ids", ROWS, 9);
    Tensor y = tensors.empty(ROWS, WIDTH);
    Tensor rstd = tensors.empty(ROWS);
    kernels.rmsNorm(x, weight, 1e-5, y, rstd);
    keep(results, "rmsNorm", y);
    Tensor dx = tensors.copy(dy);
    kernels.rmsNormBackward(dy, x, weight, rstd, dx, Into.ADD);
    keep(results, "rmsNormBackward", dx);
    Tensor dWeight = tensors.copy(weight);
    kernels.rmsNormWeightGradient(dy, x, rstd, dWeight);
    keep(results, "rmsNormWeightGradient", dWeight);
    Tensor table = tensors.normal("table", 9, WIDTH);
    kernels.scatterAddRows(x, ids, table);
    keep(results, "scatterAddRows", table);
    kernels.gatherRows(table, ids, y);
    keep(results, "gatherRows", y);
    kernels.addSumOfRows(x, dWeight);
    keep(results, "addSumOfRows", dWeight);
    kernels.addRow(weight, y);
    keep(results, "addRow", y);
    Tensor losses = tensors.empty(ROWS);
    Tensor logits = tensors.copy(x);
    kernels.crossEntropyWithGradient(logits, tensors.ids("labels", ROWS, WIDTH), losses, 0.1f);
    keep(results, "crossEntropy", losses);
    keep(results, "crossEntropyWithGradient", logits);
  }

  private static void elements(Device device, Tensors tensors, List<Named> results) {
    Kernels kernels = Kernels.of(device);
    Tensor x = tensors.normal("x", ROWS, WIDTH);
    Tensor gate = tensors.normal("gate", ROWS, WIDTH);
    Tensor up = tensors.normal("up", ROWS, WIDTH);
    Tensor out = tensors.empty(ROWS, WIDTH);
    kernels.swiglu(gate, up, out);
    keep(results, "swiglu", out);
    kernels.swigluBackward(x, gate, up, gate, up);
    keep(results, "swigluBackward gate", gate);
    keep(results, "swigluBackward up", up);
    DropoutMask mask = new DropoutMask(0.3, tensors.ids("keys", ROWS, Integer.MAX_VALUE));
    kernels.dropout(x, mask, out, Into.ADD);
    keep(results, "dropout", out);
    kernels.add(x, out);
    kernels.scale(out, 1.1f);
    keep(results, "add and scale", out);
    keep(results, "sumOfSquares", tensors.of(new float[] {(float) kernels.sumOfSquares(out)}, 1));
    Tensor mean = tensors.copy(gate);
    Tensor squares = tensors.empty(ROWS, WIDTH).zero();
    kernels.updates().adamW(x, out, mean, squares, new AdamWStep(0.01, 0.9, 0.999, 1e-8, 0.1, 2));
    keep(results, "adamW", x);
  }

  private static void attention(Device device, Tensors tensors, List<Named> results) {
    Kernels kernels = Kernels.of(device);
    AttentionShape shape = new AttentionShape(6, 2, 10, 0.3f, 150, 5f);
    int rows = 207 + 13 + 64;
    Segments segments = Segments.packed(new int[] {0, 207, 220}, new int[] {207, 13, 64});
    Tensor q = tensors.normal("q", rows, 60);
    Tensor k = tensors.normal("k", rows, 20);
    Tensor v = tensors.normal("v", rows, 20);
    Tensor cos = tensors.normal("cos", 5, 5);
    Tensor sin = tensors.normal("sin", 5, 5);
    kernels.rope(
        q,
        Math.toIntExact(2 * cos.size(1)),
        cos,
        sin,
        tensors.ids("at", rows, 5),
        Rotation.BACKWARD);
    keep(results, "rope", q);
    Tensor out = tensors.empty(rows, 60);
    Tensor lse = tensors.empty(rows, 6);
    kernels.attention(shape, segments, q, k, v, out, lse);
    keep(results, "attention", out);
    keep(results, "attention lse", lse);
    Tensor dq = tensors.empty(rows, 60);
    Tensor dk = tensors.empty(rows, 20);
    Tensor dv = tensors.empty(rows, 20);
    kernels.attentionBackward(
        shape,
        segments,
        new AttentionTensors(q, k, v, out, lse),
        tensors.normal("dOut", rows, 60),
        dq,
        dk,
        dv);
    keep(results, "attentionBackward q", dq);
    keep(results, "attentionBackward k", dk);
    keep(results, "attentionBackward v", dv);
  }

  private static void keep(List<Named> results, String name, Tensor tensor) {
    results.add(new Named(name, tensor.toFloats()));
  }

  /**
   * 15 elements are one vector and a tail of 7. The same elements in reverse swap their places, and
   * every element must come out alike in both.
   */
  @Test
  void tailAndLanesAreTheSameBits() {
    try (Device device = Device.cpu(1);
        Tensors tensors = new Tensors(device)) {
      float[][] forwards = elementwise(device, tensors, false);
      float[][] backwards = elementwise(device, tensors, true);
      for (int k = 0; k < forwards.length; k++) {
        for (int i = 0; i < 15; i++) {
          int mirrored = Float.floatToIntBits(backwards[k][14 - i]);
          assertEquals(Float.floatToIntBits(forwards[k][i]), mirrored, "kernel " + k + " at " + i);
        }
      }
    }
  }

  private static float[][] elementwise(Device device, Tensors tensors, boolean reversed) {
    Kernels kernels = Kernels.of(device);
    Tensor a = given(tensors, "a", reversed);
    Tensor b = given(tensors, "b", reversed);
    Tensor c = given(tensors, "c", reversed);
    Tensor swiglu = tensors.empty(1, 15);
    kernels.swiglu(a, b, swiglu);
    Tensor dGate = tensors.empty(1, 15);
    Tensor dUp = tensors.empty(1, 15);
    kernels.swigluBackward(c, a, b, dGate, dUp);
    Tensor rstd = tensors.of(new float[] {0.7f}, 1);
    Tensor dWeight = tensors.copy(c);
    kernels.rmsNormWeightGradient(a, b, rstd, dWeight);
    Tensor sum = tensors.copy(a);
    kernels.add(b, sum);
    kernels.scale(sum, 1.7f);
    Tensor parameter = tensors.copy(a);
    Tensor mean = tensors.copy(b);
    Tensor square = tensors.copy(swiglu);
    kernels.swiglu(c, c, square);
    kernels
        .updates()
        .adamW(parameter, c, mean, square, new AdamWStep(0.1, 0.9, 0.99, 1e-3, 0.1, 4));
    Tensor turned = tensors.empty(1, 30);
    float[] both = new float[30];
    System.arraycopy(a.toFloats(), 0, both, 0, 15);
    System.arraycopy(b.toFloats(), 0, both, 15, 15);
    turned.copyFrom(both);
    try (Tensor cos = c.reshape(1, 15);
        Tensor sin = swiglu.reshape(1, 15)) {
      kernels.rope(
          turned, Math.toIntExact(2 * cos.size(1)), cos, sin, tensors.ints(0), Rotation.FORWARD);
    }
    float[] low = Arrays.copyOf(turned.toFloats(), 15);
    float[] high = Arrays.copyOfRange(turned.toFloats(), 15, 30);
    return new float[][] {
      swiglu.toFloats(),
      dGate.toFloats(),
      dUp.toFloats(),
      dWeight.toFloats(),
      sum.toFloats(),
      parameter.toFloats(),
      mean.toFloats(),
      square.toFloats(),
      low,
      high
    };
  }

  private static Tensor given(Tensors tensors, String seed, boolean reversed) {
    float[] values = Tensors.numbers(seed, 15);
    float[] turned = new float[15];
    for (int i = 0; i < 15; i++) {
      turned[i] = values[reversed ? 14 - i : i];
    }
    return tensors.of(turned, 1, 15);
  }
}
