package dev.lorikeet.kernel;

import static dev.lorikeet.fixture.Rounding.EXP;
import static dev.lorikeet.fixture.Rounding.U;
import static dev.lorikeet.fixture.Rounding.assertWithin;
import static dev.lorikeet.fixture.Rounding.max;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.lorikeet.fixture.Fixture;
import dev.lorikeet.fixture.Tensors;
import dev.lorikeet.kernel.Kernels.AttentionTensors;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.LibTorch.Precision;
import dev.lorikeet.torch.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

@Tag("native")
final class AttentionKernelTest {

  private record Given(
      AttentionShape shape, Segments segments, Tensor q, Tensor k, Tensor v, Tensor dOut) {}

  @SuppressWarnings("ArrayRecordComponent") // only carries them, is never compared
  private record Result(float[] out, float[] lse, float[] dq, float[] dk, float[] dv) {}

  /** Segments as "queries+cached keys", one behind the other. */
  @ParameterizedTest
  @CsvSource({
    "1,          1, 1,  1,   0, 0",
    "7,          2, 1,  7,   0, 0",
    "13,         4, 2, 13,   0, 0",
    "64,         3, 3,  8,   0, 0",
    "207,        6, 2, 10,   0, 0",
    "300,        9, 3, 64,   0, 0",
    "300,        2, 1, 16,   1, 0",
    "300,        2, 1, 16,  13, 0",
    "300,        2, 2, 16, 200, 0",
    "300,        4, 2, 16,   0, 30",
    "207,        4, 2, 13,  64, 0.5",
    "13 1 207 64, 6, 3, 8,   0, 0",
    "13 1 207 64, 6, 3, 8,  20, 5",
    "1+46,       4, 2,  8,   0, 0",
    "130+70,     4, 2,  8,   0, 0",
    "1+46 5+8 1+206, 6, 2, 7, 0, 0",
    "1+46 5+8 1+206, 6, 2, 7, 9, 2"
  })
  void agreesWithThePlainFormula(
      String lengths, int heads, int kvHeads, int headDim, int window, float softCap) {
    try (Device device = Device.cpu(2);
        Tensors tensors = new Tensors(device)) {
      float scale = (float) (1 / Math.sqrt(headDim));
      AttentionShape shape = new AttentionShape(heads, kvHeads, headDim, scale, window, softCap);
      Segments segments = segments(lengths);
      int last = segments.count() - 1;
      int rows = segments.queryStart(last) + segments.queryLength(last);
      int keys = segments.keyStart(last) + segments.keyLength(last);
      Given given =
          new Given(
              shape,
              segments,
              tensors.normal("q", rows, (long) heads * headDim),
              tensors.normal("k", keys, (long) kvHeads * headDim),
              tensors.normal("v", keys, (long) kvHeads * headDim),
              tensors.normal("dOut", rows, (long) heads * headDim));
      Result expected = run(tensors, new TorchKernels(Precision.FLOAT64), given, given.dOut);
      verify(tensors, Kernels.of(device), given, expected, lengths);
      verify(tensors, Kernels.reference(device), given, expected, lengths + " in libtorch");
    }
  }

  @Test
  @Tag("reference")
  void agreesWithTheGoldenCases() {
    int seen = 0;
    try (Device device = Device.cpu(2);
        Fixture golden = new Fixture("kernels/attention.safetensors");
        Tensors tensors = new Tensors(device)) {
      for (JsonNode setting : Fixture.json("kernels/attention.json")) {
        String name = setting.get("name").asString();
        AttentionShape shape =
            new AttentionShape(
                setting.get("heads").asInt(),
                setting.get("kv_heads").asInt(),
                setting.get("head_dim").asInt(),
                (float) setting.get("scale").asDouble(),
                setting.get("window").asInt(),
                (float) setting.get("softcap").asDouble());
        int[] lengths = Fixture.ints(setting.get("segments"));
        Given given = given(tensors, golden, device, name, shape, lengths, setting);
        Result plain = run(tensors, new TorchKernels(Precision.FLOAT64), given, given.dOut);
        Result expected =
            new Result(
                golden.floats(name + ".out"),
                plain.lse,
                golden.floats(name + ".dq"),
                golden.floats(name + ".dk"),
                golden.floats(name + ".dv"));
        verify(tensors, Kernels.of(device), given, expected, name);
        verify(tensors, Kernels.reference(device), given, expected, name + " in libtorch");
        seen++;
      }
    }
    assertEquals(13, seen);
  }

  private static Given given(
      Tensors tensors,
      Fixture golden,
      Device device,
      String name,
      AttentionShape shape,
      int[] lengths,
      JsonNode setting) {
    int past = setting.get("past").asInt();
    List<String> parts = new ArrayList<>();
    int rows = 0;
    for (int length : lengths) {
      parts.add(length + "+" + past);
      rows += length;
    }
    long width = (long) shape.heads() * shape.headDim();
    long kvWidth = (long) shape.kvHeads() * shape.headDim();
    int keys = rows + past;
    return new Given(
        shape,
        segments(String.join(" ", parts)),
        tensors.keep(golden.tensor(device, name + ".q", rows, width)),
        tensors.keep(golden.tensor(device, name + ".k", keys, kvWidth)),
        tensors.keep(golden.tensor(device, name + ".v", keys, kvWidth)),
        tensors.keep(golden.tensor(device, name + ".dout", rows, width)));
  }

  private static Segments segments(String lengths) {
    String[] parts = lengths.split(" ", -1);
    int[][] arrays = new int[4][parts.length];
    int query = 0;
    int key = 0;
    for (int s = 0; s < parts.length; s++) {
      String[] both = parts[s].split("\\+", -1);
      int asked = Integer.parseInt(both[0]);
      int seen = asked + (both.length > 1 ? Integer.parseInt(both[1]) : 0);
      arrays[0][s] = query;
      arrays[1][s] = asked;
      arrays[2][s] = key;
      arrays[3][s] = seen;
      query += asked;
      key += seen;
    }
    return new Segments(arrays[0], arrays[1], arrays[2], arrays[3]);
  }

  /**
   * D head size, S keys, G = max‖dout‖·max‖v‖. A score s errs by δ = (D + 3)·U·scale·‖q‖·‖k‖, and
   * by 10·U·min(cap, |s|) from the soft cap. lse adds the sum of S exponentials: S/8 + 10
   * additions. A probability p = e^(s − lse) errs by ε = 2δ + (S/8 + 10 + 3·max|s|)·U + 2·EXP of
   * itself. Then out = Σ p·v: (ε + S·U) of Σ p|v| ≤ max|v|. The score gradient p·(dp − delta), dp
   * and delta sums of D terms, errs by p·G·E with E = 4ε + (2D + S + 40)·U. dq sums S of them times
   * k; dk and dv sum over all queries, whose probabilities for one key add up to its mass.
   */
  private static void verify(
      Tensors tensors, Kernels kernels, Given given, Result expected, String what) {
    AttentionShape shape = given.shape;
    int dim = shape.headDim();
    int keys =
        IntStream.range(0, given.segments.count()).map(given.segments::keyLength).max().orElse(0);
    float[] q = given.q.toFloats();
    float[] k = given.k.toFloats();
    float[] v = given.v.toFloats();
    float[] dOut = given.dOut.toFloats();
    double norms = shape.scale() * norm(q, dim) * norm(k, dim);
    boolean capped = shape.softCap() > 0;
    double largest = capped ? Math.min(shape.softCap(), norms) : norms;
    double delta = (dim + 3) * U * norms + (capped ? 10 * U * largest : 0);
    double lse = delta + (keys / 8.0 + 10 + largest) * U + EXP;
    double p = 2 * delta + (keys / 8.0 + 10 + 3 * largest) * U + 2 * EXP;
    double g = norm(dOut, dim) * norm(v, dim);
    double e = 4 * p + (2 * dim + keys + 40) * U;
    int queries = Math.toIntExact(given.q.size(0)) * shape.group();
    float[] mass = mass(tensors, given);

    Result actual = run(tensors, kernels, given, given.dOut);
    assertWithin(expected.lse, actual.lse, i -> lse, what + ": lse");
    double out = (p + keys * U) * max(v);
    assertWithin(expected.out, actual.out, i -> out, what + ": out");
    double dq = shape.scale() * max(k) * g * (e + 2 * keys * U);
    assertWithin(expected.dq, actual.dq, i -> dq, what + ": dq");
    double dk = shape.scale() * max(q) * g * (e + 2 * queries * U);
    assertWithin(expected.dk, actual.dk, i -> dk * mass[i], what + ": dk");
    double dv = (p + queries * U) * max(dOut);
    assertWithin(expected.dv, actual.dv, i -> dv * mass[i], what + ": dv");
  }

  /** Σ of the probabilities that each key gets, at every element of dv: dv for dout = 1. */
  private static float[] mass(Tensors tensors, Given given) {
    float[] ones = new float[Math.toIntExact(given.dOut.elements())];
    Arrays.fill(ones, 1f);
    Tensor dOut = tensors.of(ones, given.dOut.shape());
    return run(tensors, new TorchKernels(Precision.FLOAT64), given, dOut).dv;
  }

  private static Result run(Tensors tensors, Kernels kernels, Given given, Tensor dOut) {
    Tensor out = tensors.empty(given.q.shape());
    Tensor lse = tensors.empty(given.q.size(0), given.shape.heads());
    Tensor dq = tensors.empty(given.q.shape());
    Tensor dk = tensors.empty(given.k.shape());
    Tensor dv = tensors.empty(given.v.shape());
    kernels.attention(given.shape, given.segments, given.q, given.k, given.v, out, lse);
    AttentionTensors forward = new AttentionTensors(given.q, given.k, given.v, out, lse);
    kernels.attentionBackward(given.shape, given.segments, forward, dOut, dq, dk, dv);
    return new Result(out.toFloats(), lse.toFloats(), dq.toFloats(), dk.toFloats(), dv.toFloats());
  }

  /** The largest norm of a head's vector. */
  private static double norm(float[] values, int dim) {
    double largest = 0;
    for (int at = 0; at < values.length; at += dim) {
      double squares = 0;
      for (int i = at; i < at + dim; i++) {
        squares += (double) values[i] * values[i];
      }
      largest = Math.max(largest, squares);
    }
    return Math.sqrt(largest);
  }
}
