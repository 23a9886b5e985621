package dev.lorikeet.bench.kernels;

import dev.lorikeet.bench.kernels.KernelCase.Limit;
import dev.lorikeet.bench.kernels.KernelCase.Work;
import dev.lorikeet.bench.kernels.KernelCases.Maker;
import dev.lorikeet.kernel.AttentionShape;
import dev.lorikeet.kernel.Kernels;
import dev.lorikeet.kernel.Kernels.AttentionTensors;
import dev.lorikeet.kernel.Segments;
import dev.lorikeet.torch.CpuDevice;
import dev.lorikeet.torch.Tensor;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Causal attention inside examples. Its work is that of the products with the keys that a query can
 * see: half of them, though the kernel multiplies whole blocks on the diagonal.
 */
final class AttentionCases {
  private static final double SUMS = 1e-5;

  private AttentionCases() {}

  static Map<String, Maker> all() {
    return Map.of(
        "attention", AttentionCases::forward, "attention backward", AttentionCases::backward);
  }

  private record Given(AttentionShape shape, Segments segments, Tensor q, Tensor k, Tensor v) {
    static Given of(KernelShape shape, Tensors t) {
      int[] lengths = IntStream.range(0, shape.examples).map(_ -> shape.length).toArray();
      int[] starts = IntStream.range(0, shape.examples).map(i -> i * shape.length).toArray();
      long wide = (long) shape.heads * KernelShape.HEAD_DIM;
      long narrow = (long) shape.kvHeads * KernelShape.HEAD_DIM;
      return new Given(
          AttentionShape.causal(shape.heads, shape.kvHeads, KernelShape.HEAD_DIM),
          Segments.packed(starts, lengths),
          t.random("q", shape.tokens(), wide),
          t.random("k", shape.tokens(), narrow),
          t.random("v", shape.tokens(), narrow));
    }

    void forward(Kernels kernels, Tensor out, Tensor lse) {
      kernels.attention(shape, segments, q, k, v, out, lse);
    }

    /** Each head's log-sum of every query. */
    Tensor lse(Tensors t) {
      return t.empty(q.size(0), shape.heads());
    }
  }

  /** Work of {@code products} products of every query with the keys before it. */
  private static Work work(KernelShape shape, int products) {
    double pairs = shape.examples * (shape.length * (shape.length + 1.0) / 2);
    return new Work(Limit.SGEMM, products * 2.0 * pairs * shape.heads * KernelShape.HEAD_DIM);
  }

  private static KernelCase forward(KernelShape shape, CpuDevice device) {
    Tensors t = new Tensors(device);
    Given given = Given.of(shape, t);
    Tensor out = t.empty(given.q.shape());
    Tensor lse = given.lse(t);
    Tensor expected = t.empty(given.q.shape());
    Tensor expectedLse = given.lse(t);
    Kernels kernels = Kernels.of(device);
    return new KernelCase(
            work(shape, 2),
            t,
            () -> given.forward(kernels, out, lse),
            () -> given.forward(Kernels.reference(device), expected, expectedLse))
        .expecting("out", out, expected, SUMS)
        .expecting("lse", lse, expectedLse, SUMS);
  }

  private static KernelCase backward(KernelShape shape, CpuDevice device) {
    Tensors t = new Tensors(device);
    Given given = Given.of(shape, t);
    Tensor out = t.empty(given.q.shape());
    Tensor lse = given.lse(t);
    Kernels kernels = Kernels.of(device);
    given.forward(kernels, out, lse);
    AttentionTensors saved = new AttentionTensors(given.q, given.k, given.v, out, lse);
    Tensor dOut = t.random("dOut", given.q.shape());
    Gradients found = Gradients.of(given, t);
    Gradients expected = Gradients.of(given, t);
    return new KernelCase(
            work(shape, 5),
            t,
            () -> found.compute(kernels, given, saved, dOut),
            () -> expected.compute(Kernels.reference(device), given, saved, dOut))
        .expecting("dq", found.dq, expected.dq, SUMS)
        .expecting("dk", found.dk, expected.dk, SUMS)
        .expecting("dv", found.dv, expected.dv, SUMS);
  }

  private record Gradients(Tensor dq, Tensor dk, Tensor dv) {
    static Gradients of(Given given, Tensors t) {
      return new Gradients(
          t.empty(given.q.shape()), t.empty(given.k.shape()), t.empty(given.v.shape()));
    }

    void compute(Kernels kernels, Given given, AttentionTensors saved, Tensor dOut) {
      kernels.attentionBackward(given.shape, given.segments, saved, dOut, dq, dk, dv);
    }
  }
}
