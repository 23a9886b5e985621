package dev.lorikeet.kernel;

import dev.lorikeet.fixture.Rounding;
import dev.lorikeet.fixture.Tensors;
import dev.lorikeet.kernel.Kernels.AttentionTensors;
import dev.lorikeet.torch.DType;
import dev.lorikeet.torch.Tensor;
import dev.lorikeet.torch.TorchDevice;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Attention in two bytes against its formula in double, on operands that are two bytes already.
 * What is left are roundings of probabilities, of their gradients and of results: each errs by u of
 * its magnitude, and bounds are built from these, element by element.
 */
final class FlashCheck {
  private static final double U32 = 0x1p-24;

  private final TorchDevice device;
  private final Kernels kernels;

  /** Unit roundoff of the compute format. */
  private final double u;

  /** What a number below the format's range errs by. */
  private final double tiny;

  /** Relative error of the exponentials. */
  private final double exponential;

  FlashCheck(TorchDevice device, Kernels kernels, double exponential) {
    this.exponential = exponential;
    this.device = device;
    this.kernels = kernels;
    boolean bfloat16 = device.computeFormat() == DType.BFLOAT16;
    u = bfloat16 ? 0x1p-8 : 0x1p-11;
    tiny = bfloat16 ? 0 : 0x1p-25;
  }

  /** Lengths of sequences one behind the other, at least as many keys as queries. */
  record Case(AttentionShape shape, List<Integer> queries, List<Integer> keys) {
    int queryRows() {
      return sum(queries);
    }

    int keyRows() {
      return sum(keys);
    }

    Segments segments() {
      return new Segments(starts(queries), array(queries), starts(keys), array(keys));
    }

    private static int sum(List<Integer> lengths) {
      return lengths.stream().mapToInt(Integer::intValue).sum();
    }

    private static int[] starts(List<Integer> lengths) {
      return IntStream.range(0, lengths.size()).map(s -> sum(lengths.subList(0, s))).toArray();
    }

    private static int[] array(List<Integer> lengths) {
      return lengths.stream().mapToInt(Integer::intValue).toArray();
    }
  }

  /** What one case reads and gives. */
  private final class Run implements AutoCloseable {
    private final Case given;
    private final Tensor q;
    private final Tensor k;
    private final Tensor v;
    private final Tensor dOut;
    private final Tensor out;
    private final Tensor lse;
    private final Tensor dq;
    private final Tensor dk;
    private final Tensor dv;

    Run(Case given) {
      this.given = given;
      AttentionShape shape = given.shape();
      int rows = given.queryRows();
      int width = shape.heads() * shape.headDim();
      int keyWidth = shape.kvHeads() * shape.headDim();
      q = rounded("q", rows, width);
      k = rounded("k", given.keyRows(), keyWidth);
      v = rounded("v", given.keyRows(), keyWidth);
      dOut = rounded("dOut", rows, width);
      out = device.floats(rows, width);
      lse = device.floats(rows, shape.heads());
      dq = q.emptyLike();
      dk = k.emptyLike();
      dv = v.emptyLike();
    }

    void compute() {
      kernels.attention(given.shape(), given.segments(), q, k, v, out, lse);
      AttentionTensors tensors = new AttentionTensors(q, k, v, out, lse);
      kernels.attentionBackward(given.shape(), given.segments(), tensors, dOut, dq, dk, dv);
    }

    @Override
    public void close() {
      List.of(q, k, v, dOut, out, lse, dq, dk, dv).forEach(Tensor::close);
    }
  }

  /**
   * Compares forward and backward.
   *
   * @return the largest error of the result as a share of its bound: below 0.01 for a formula in
   *     float32, and above 0.1 where something was rounded to two bytes
   */
  double check(Case given) {
    try (Run run = new Run(given)) {
      run.compute();
      Exact exact =
          new Exact(
              given, run.q.toFloats(), run.k.toFloats(), run.v.toFloats(), run.dOut.toFloats());
      exact.compute();
      exact.lse.assertHolds(run.lse, "lse of " + given);
      exact.dq.assertHolds(run.dq, "dq of " + given);
      exact.dk.assertHolds(run.dk, "dk of " + given);
      exact.dv.assertHolds(run.dv, "dv of " + given);
      return exact.out.assertHolds(run.out, "out of " + given);
    }
  }

  /** The gradient of the queries. */
  float[] queryGradient(Case given) {
    try (Run run = new Run(given)) {
      run.compute();
      return run.dq.toFloats();
    }
  }

  private Tensor rounded(String name, int rows, int width) {
    float[] values = Tensors.numbers(name, rows * width);
    Tensor floats = device.floats(rows, width).copyFrom(values);
    try (Tensor half = device.empty(device.computeFormat(), rows, width).roundFrom(floats)) {
      return floats.copyFrom(half.toFloats());
    }
  }

  /** Values and what they may differ by. */
  private static final class Bounded {
    private final double[] value;
    private final double[] bound;

    Bounded(int count) {
      value = new double[count];
      bound = new double[count];
    }

    void add(int at, double term, double error) {
      value[at] += term;
      bound[at] += error;
    }

    double assertHolds(Tensor actual, String what) {
      float[] found = actual.toFloats();
      float[] expected = new float[value.length];
      double share = 0;
      for (int i = 0; i < expected.length; i++) {
        expected[i] = (float) value[i];
        share = Math.max(share, Math.abs(found[i] - value[i]) / bound[i]);
      }
      Rounding.assertWithin(expected, found, i -> bound[i], what);
      return share;
    }
  }

  /** The formulas, with T queries and S keys of a sequence. */
  private final class Exact {
    private final Case given;
    private final AttentionShape shape;
    private final float[] q;
    private final float[] k;
    private final float[] v;
    private final float[] dOut;
    private final Bounded out;
    private final Bounded lse;
    private final Bounded dq;
    private final Bounded dk;
    private final Bounded dv;

    Exact(Case given, float[] q, float[] k, float[] v, float[] dOut) {
      this.given = given;
      this.q = q;
      this.k = k;
      this.v = v;
      this.dOut = dOut;
      shape = given.shape();
      out = new Bounded(q.length);
      lse = new Bounded(given.queryRows() * shape.heads());
      dq = new Bounded(q.length);
      dk = new Bounded(k.length);
      dv = new Bounded(v.length);
    }

    void compute() {
      Segments segments = given.segments();
      for (int s = 0; s < segments.count(); s++) {
        for (int i = 0; i < segments.queryLength(s); i++) {
          int last = i + segments.keyLength(s) - segments.queryLength(s);
          int first = shape.window() == 0 ? 0 : Math.max(0, last - shape.window() + 1);
          for (int head = 0; head < shape.heads(); head++) {
            int row = segments.queryStart(s) + i;
            query(row, head, segments.keyStart(s) + first, segments.keyStart(s) + last);
          }
        }
      }
      // What was summed is rounded when it is written; with grouped heads each part is, and the
      // sum.
      for (int i = 0; i < k.length; i++) {
        dk.bound[i] += u * Math.abs(dk.value[i]) + (1 + shape.group()) * tiny;
        dv.bound[i] += u * Math.abs(dv.value[i]) + (1 + shape.group()) * tiny;
      }
    }

    /** One query of one head over the keys from first to last. */
    private void query(int row, int head, int first, int last) {
      int dim = shape.headDim();
      int at = (row * shape.heads() + head) * dim;
      int seen = last - first + 1;
      double[] scores = new double[seen];
      double magnitude = 1;
      for (int j = 0; j < seen; j++) {
        double sum = 0;
        for (int d = 0; d < dim; d++) {
          double term = shape.scale() * q[at + d] * k[key(first + j, head) + d];
          scores[j] += term;
          sum += Math.abs(term);
        }
        magnitude = Math.max(magnitude, sum);
      }
      double largest = Arrays.stream(scores).max().orElseThrow();
      double total = Arrays.stream(scores).map(x -> Math.exp(x - largest)).sum();
      double log = largest + Math.log(total);
      // Sums of D and S terms in float32, and exponentials.
      double float32 = (dim + seen + 4) * U32 * magnitude + 2 * exponential;
      lse.add(row * shape.heads() + head, log, float32 + 2 * U32 * Math.abs(log));
      double[] p = Arrays.stream(scores).map(x -> Math.exp(x - log)).toArray();
      double[] error = Arrays.stream(p).map(x -> x * (u + float32) + tiny).toArray();
      double delta = 0;
      double deltaError = 0;
      for (int d = 0; d < dim; d++) {
        double value = 0;
        double bound = 0;
        for (int j = 0; j < seen; j++) {
          value += p[j] * v[key(first + j, head) + d];
          bound += error[j] * Math.abs(v[key(first + j, head) + d]);
        }
        bound += u * Math.abs(value) + tiny;
        out.add(at + d, value, bound);
        delta += dOut[at + d] * value;
        deltaError += Math.abs(dOut[at + d]) * bound;
      }
      for (int j = 0; j < seen; j++) {
        backward(at, key(first + j, head), p[j], error[j], delta, deltaError);
      }
      for (int d = 0; d < dim; d++) {
        dq.bound[at + d] += u * Math.abs(dq.value[at + d]) + tiny;
      }
    }

    private int key(int row, int head) {
      return (row * shape.kvHeads() + head / shape.group()) * shape.headDim();
    }

    /** One probability on the way back. */
    private void backward(
        int query, int key, double p, double error, double delta, double deltaError) {
      double dp = 0;
      for (int d = 0; d < shape.headDim(); d++) {
        dp += (double) dOut[query + d] * v[key + d];
      }
      double ds = p * (dp - delta);
      // Computed in float32 from p, then rounded.
      double dsError = u * Math.abs(ds) + p * deltaError + error * Math.abs(dp - delta) + tiny;
      for (int d = 0; d < shape.headDim(); d++) {
        double toQuery = shape.scale() * ds * k[key + d];
        dq.add(query + d, toQuery, dsError * shape.scale() * Math.abs(k[key + d]));
        double toKey = shape.scale() * ds * q[query + d];
        double keyError = dsError * shape.scale() * Math.abs(q[query + d]);
        dk.add(key + d, toKey, keyError + u * Math.abs(toKey));
        double toValue = p * dOut[query + d];
        dv.add(key + d, toValue, error * Math.abs(dOut[query + d]) + u * Math.abs(toValue));
      }
    }
  }
}
