package dev.lorikeet.bench.kernels;

import dev.lorikeet.bench.kernels.KernelCase.Limit;
import dev.lorikeet.bench.kernels.KernelCase.Work;
import dev.lorikeet.bench.kernels.KernelCases.Maker;
import dev.lorikeet.kernel.Kernels;
import dev.lorikeet.kernel.Kernels.Into;
import dev.lorikeet.kernel.Kernels.Rotation;
import dev.lorikeet.torch.CpuDevice;
import dev.lorikeet.torch.Tensor;
import java.util.Map;

/**
 * Norms, rotations, gates, rows and the loss. Their limit is memory; sums of up to 49,152 float32
 * are compared within 1e-5 of the largest result, everything else within 4e-6.
 */
final class LayerCases {
  private static final double ROUNDING = 4e-6;
  private static final double SUMS = 1e-5;
  private static final double EPS = 1e-5;
  private static final int THETA = 10_000;

  private LayerCases() {}

  static Map<String, Maker> all() {
    return Map.ofEntries(
        Map.entry("rmsNorm", LayerCases::norm),
        Map.entry("rmsNorm backward", LayerCases::normBackward),
        Map.entry("rmsNorm weight gradient", LayerCases::normWeight),
        Map.entry("rope", LayerCases::rope),
        Map.entry("swiglu", LayerCases::swiglu),
        Map.entry("swiglu backward", LayerCases::swigluBackward),
        Map.entry("cross entropy with gradient", LayerCases::crossEntropy),
        Map.entry("gather rows", LayerCases::gather),
        Map.entry("scatter rows", LayerCases::scatter));
  }

  /** Work of reading or writing so many float32. */
  static Work floats(double count) {
    return new Work(Limit.STREAM, Float.BYTES * count);
  }

  private static KernelCase norm(KernelShape shape, CpuDevice device) {
    Tensors t = new Tensors(device);
    Tensor x = t.random("x", shape.tokens(), shape.hidden);
    Tensor w = t.random("w", shape.hidden);
    Tensor y = t.empty(x.shape());
    Tensor rstd = t.empty(shape.tokens());
    Tensor expected = t.empty(x.shape());
    Tensor expectedRstd = t.empty(shape.tokens());
    Kernels kernels = Kernels.of(device);
    return new KernelCase(
            floats(2.0 * x.elements()),
            t,
            () -> kernels.rmsNorm(x, w, EPS, y, rstd),
            () -> Kernels.reference(device).rmsNorm(x, w, EPS, expected, expectedRstd))
        .expecting("y", y, expected, ROUNDING)
        .expecting("rstd", rstd, expectedRstd, ROUNDING);
  }

  /** A tensor 1/rms of each row of x. */
  private static Tensor rstd(Tensors t, Tensor x, Tensor w, CpuDevice device) {
    Tensor rstd = t.empty(x.size(0));
    Kernels.of(device).rmsNorm(x, w, EPS, t.empty(x.shape()), rstd);
    return rstd;
  }

  private static KernelCase normBackward(KernelShape shape, CpuDevice device) {
    Tensors t = new Tensors(device);
    Tensor x = t.random("x", shape.tokens(), shape.hidden);
    Tensor dy = t.random("dy", shape.tokens(), shape.hidden);
    Tensor w = t.random("w", shape.hidden);
    Tensor rstd = rstd(t, x, w, device);
    Tensor dx = t.empty(x.shape());
    Tensor expected = t.empty(x.shape());
    Kernels kernels = Kernels.of(device);
    return new KernelCase(
            floats(3.0 * x.elements()),
            t,
            () -> kernels.rmsNormBackward(dy, x, w, rstd, dx, Into.REPLACE),
            () -> Kernels.reference(device).rmsNormBackward(dy, x, w, rstd, expected, Into.REPLACE))
        .expecting("dx", dx, expected, SUMS);
  }

  private static KernelCase normWeight(KernelShape shape, CpuDevice device) {
    Tensors t = new Tensors(device);
    Tensor x = t.random("x", shape.tokens(), shape.hidden);
    Tensor dy = t.random("dy", shape.tokens(), shape.hidden);
    Tensor rstd = rstd(t, x, t.random("w", shape.hidden), device);
    Tensor dw = t.empty(shape.hidden);
    Tensor expected = t.empty(shape.hidden);
    Kernels kernels = Kernels.of(device);
    return new KernelCase(
            floats(2.0 * x.elements()),
            t,
            () -> kernels.rmsNormWeightGradient(dy, x, rstd, dw),
            () -> Kernels.reference(device).rmsNormWeightGradient(dy, x, rstd, expected))
        .expecting("dw", dw, expected, SUMS);
  }

  private static KernelCase rope(KernelShape shape, CpuDevice device) {
    Tensors t = new Tensors(device);
    Tensor x = t.random("x", shape.tokens(), (long) shape.heads * KernelShape.HEAD_DIM);
    Tensor expected = t.copy(x);
    int half = KernelShape.HEAD_DIM / 2;
    float[] cosines = new float[shape.length * half];
    float[] sines = new float[cosines.length];
    for (int i = 0; i < cosines.length; i++) {
      int position = i / half;
      double angle = position * Math.pow(THETA, -(i % half) / (double) half);
      cosines[i] = (float) Math.cos(angle);
      sines[i] = (float) Math.sin(angle);
    }
    Tensor cos = t.empty(shape.length, half).copyFrom(cosines);
    Tensor sin = t.empty(shape.length, half).copyFrom(sines);
    Tensor positions = t.positions(shape.tokens(), shape.length);
    Kernels kernels = Kernels.of(device);
    return new KernelCase(
            floats(2.0 * x.elements()),
            t,
            () -> kernels.rope(x, 2 * half, cos, sin, positions, Rotation.FORWARD),
            () ->
                Kernels.reference(device)
                    .rope(expected, 2 * half, cos, sin, positions, Rotation.FORWARD))
        .expecting("x", x, expected, ROUNDING);
  }

  private static KernelCase swiglu(KernelShape shape, CpuDevice device) {
    Tensors t = new Tensors(device);
    Tensor gate = t.random("gate", shape.tokens(), shape.inner);
    Tensor up = t.random("up", shape.tokens(), shape.inner);
    Tensor out = t.empty(gate.shape());
    Tensor expected = t.empty(gate.shape());
    Kernels kernels = Kernels.of(device);
    return new KernelCase(
            floats(3.0 * gate.elements()),
            t,
            () -> kernels.swiglu(gate, up, out),
            () -> Kernels.reference(device).swiglu(gate, up, expected))
        .expecting("out", out, expected, ROUNDING);
  }

  private static KernelCase swigluBackward(KernelShape shape, CpuDevice device) {
    Tensors t = new Tensors(device);
    Tensor gate = t.random("gate", shape.tokens(), shape.inner);
    Tensor up = t.random("up", shape.tokens(), shape.inner);
    Tensor dOut = t.random("dOut", shape.tokens(), shape.inner);
    Tensor dGate = t.empty(gate.shape());
    Tensor dUp = t.empty(gate.shape());
    Tensor expectedGate = t.empty(gate.shape());
    Tensor expectedUp = t.empty(gate.shape());
    Kernels kernels = Kernels.of(device);
    return new KernelCase(
            floats(5.0 * gate.elements()),
            t,
            () -> kernels.swigluBackward(dOut, gate, up, dGate, dUp),
            () ->
                Kernels.reference(device).swigluBackward(dOut, gate, up, expectedGate, expectedUp))
        .expecting("dGate", dGate, expectedGate, ROUNDING)
        .expecting("dUp", dUp, expectedUp, ROUNDING);
  }

  private static KernelCase crossEntropy(KernelShape shape, CpuDevice device) {
    Tensors t = new Tensors(device);
    int rows = KernelShape.LOGIT_ROWS;
    Tensor logits = t.random("logits", rows, shape.vocabulary);
    Tensor expected = t.copy(logits);
    Tensor labels = t.ids(rows, shape.vocabulary);
    Tensor losses = t.empty(rows);
    Tensor expectedLosses = t.empty(rows);
    Kernels kernels = Kernels.of(device);
    return new KernelCase(
            floats(2.0 * logits.elements()),
            t,
            () -> kernels.crossEntropyWithGradient(logits, labels, losses, 1f),
            () ->
                Kernels.reference(device)
                    .crossEntropyWithGradient(expected, labels, expectedLosses, 1f))
        .expecting("losses", losses, expectedLosses, SUMS)
        .expecting("gradient", logits, expected, SUMS);
  }

  private static KernelCase gather(KernelShape shape, CpuDevice device) {
    Tensors t = new Tensors(device);
    Tensor table = t.random("table", shape.vocabulary, shape.hidden);
    Tensor ids = t.ids(shape.tokens(), shape.vocabulary);
    Tensor out = t.empty(shape.tokens(), shape.hidden);
    Tensor expected = t.empty(out.shape());
    Kernels kernels = Kernels.of(device);
    return new KernelCase(
            floats(2.0 * out.elements()),
            t,
            () -> kernels.gatherRows(table, ids, out),
            () -> Kernels.reference(device).gatherRows(table, ids, expected))
        .expecting("out", out, expected, 0);
  }

  private static KernelCase scatter(KernelShape shape, CpuDevice device) {
    Tensors t = new Tensors(device);
    Tensor table = t.empty(shape.vocabulary, shape.hidden);
    Tensor expected = t.empty(table.shape());
    Tensor rows = t.random("rows", shape.tokens(), shape.hidden);
    Tensor ids = t.ids(shape.tokens(), shape.vocabulary);
    Kernels kernels = Kernels.of(device);
    return new KernelCase(
            floats(3.0 * rows.elements()),
            t,
            () -> kernels.scatterAddRows(rows, ids, table),
            () -> Kernels.reference(device).scatterAddRows(rows, ids, expected))
        .expecting("table", table, expected, ROUNDING);
  }
}
