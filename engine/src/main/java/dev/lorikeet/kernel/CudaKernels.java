package dev.lorikeet.kernel;

import static dev.lorikeet.kernel.CudaGrids.adds;
import static dev.lorikeet.torch.KernelArgument.arg;

import dev.lorikeet.torch.DType;
import dev.lorikeet.torch.KernelLauncher;
import dev.lorikeet.torch.Tensor;
import dev.lorikeet.torch.TorchDevice;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Locale;

/**
 * Fused kernels of a GPU, from {@link CudaSource}. Sums run in an order that depends on shapes
 * only.
 *
 * <p>Nothing waits for the GPU but {@link #sumOfSquares(Tensor)}. So an id or a label that is not
 * in its table is not refused, as on the CPU: it gives numbers that are none, and the step that
 * they reach is a bad one.
 */
public final class CudaKernels implements Kernels, Kernels.Totals {
  private final CudaGrids grids;
  private final Kernels fallback;
  private final CudaUpdates updates;

  /**
   * Kernels that start on {@code launcher}, which stays with the caller.
   *
   * @param launcher runs the kernels of {@link CudaSource}
   * @param fallback computes what there is no fused kernel for: attention
   */
  public CudaKernels(KernelLauncher launcher, Kernels fallback) {
    grids = new CudaGrids(launcher);
    this.fallback = fallback;
    updates = new CudaUpdates(grids);
  }

  @Override
  public UpdateKernels updates() {
    return updates;
  }

  @Override
  public LayerKernels layers() {
    return fallback.layers();
  }

  @Override
  public void gatherRows(Tensor table, Tensor ids, Tensor out) {
    grids.rows(
        "gather_rows_" + type(table.dtype()),
        ids.elements(),
        table.size(1),
        arg(table),
        arg(ids),
        arg(out),
        arg(width(table)),
        arg(rows(table)));
  }

  @Override
  public void scatterAddRows(Tensor rows, Tensor ids, Tensor table) {
    // The kernel looks at 256 ids at a time, one a thread.
    grids.rows(
        "scatter_add_rows",
        ids.elements(),
        1,
        arg(rows),
        arg(ids),
        arg(table),
        arg(Math.toIntExact(ids.elements())),
        arg(width(table)),
        arg(rows(table)));
  }

  @Override
  public void rmsNorm(Tensor x, Tensor weight, double eps, Tensor y, Tensor rstd) {
    grids.rows(
        "rms_norm",
        rstd.elements(),
        weight.elements(),
        arg(x),
        arg(weight),
        arg(y),
        arg(rstd),
        arg(length(weight)),
        arg(eps));
  }

  @Override
  public void rmsNormBackward(
      Tensor dy, Tensor x, Tensor weight, Tensor rstd, Tensor dx, Into into) {
    grids.rows(
        "rms_norm_backward",
        rstd.elements(),
        weight.elements(),
        arg(dy),
        arg(x),
        arg(weight),
        arg(rstd),
        arg(dx),
        arg(length(weight)),
        arg(adds(into)));
  }

  @Override
  public void rmsNormWeightGradient(Tensor dy, Tensor x, Tensor rstd, Tensor dWeight) {
    grids.columns(
        "rms_norm_weight_gradient",
        dWeight.elements(),
        arg(dy),
        arg(x),
        arg(rstd),
        arg(dWeight),
        arg(length(rstd)),
        arg(length(dWeight)));
  }

  @Override
  public void rope(
      Tensor x, int headDim, Tensor cos, Tensor sin, Tensor positions, Rotation rotation) {
    long half = cos.size(1);
    if (headDim != 2 * half) {
      fallback.rope(x, headDim, cos, sin, positions, rotation);
      return;
    }
    long pairs = x.elements() / 2;
    grids.elements(
        "rope",
        pairs,
        arg(x),
        arg(cos),
        arg(sin),
        arg(positions),
        arg(pairs),
        arg(Math.toIntExact(x.size(1) / (2 * half))),
        arg(Math.toIntExact(half)),
        arg(rows(cos)),
        arg(rotation == Rotation.FORWARD ? 1f : -1f));
  }

  @Override
  public void swiglu(Tensor gate, Tensor up, Tensor out) {
    long count = out.elements();
    grids.elements("swiglu", count, arg(gate), arg(up), arg(out), arg(count));
  }

  @Override
  public void swigluBackward(Tensor dOut, Tensor gate, Tensor up, Tensor dGate, Tensor dUp) {
    long count = dOut.elements();
    grids.elements(
        "swiglu_backward", count, arg(dOut), arg(gate), arg(up), arg(dGate), arg(dUp), arg(count));
  }

  @Override
  public void attention(
      AttentionShape shape,
      Segments segments,
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor out,
      Tensor lse) {
    fallback.attention(shape, segments, q, k, v, out, lse);
  }

  @Override
  public void attentionBackward(
      AttentionShape shape,
      Segments segments,
      AttentionTensors forward,
      Tensor dOut,
      Tensor dq,
      Tensor dk,
      Tensor dv) {
    fallback.attentionBackward(shape, segments, forward, dOut, dq, dk, dv);
  }

  @Override
  public void crossEntropy(Tensor logits, Tensor labels, Tensor losses) {
    grids.rows(
        "cross_entropy",
        logits.size(0),
        logits.size(1),
        arg(logits),
        arg(labels),
        arg(losses),
        arg(width(logits)));
  }

  @Override
  public void crossEntropyWithGradient(Tensor logits, Tensor labels, Tensor losses, float scale) {
    grids.rows(
        "cross_entropy_with_gradient",
        logits.size(0),
        logits.size(1),
        arg(logits),
        arg(labels),
        arg(losses),
        arg(width(logits)),
        arg(scale));
  }

  @Override
  public void labelIsLargest(Tensor logits, Tensor labels, Tensor hits) {
    grids.rows(
        "label_is_largest",
        logits.size(0),
        logits.size(1),
        arg(logits),
        arg(labels),
        arg(hits),
        arg(width(logits)));
  }

  @Override
  public void dropout(Tensor x, DropoutMask mask, Tensor out, Into into) {
    long count = x.elements();
    grids.elements(
        "dropout",
        count,
        arg(x),
        arg(mask.rowKeys()),
        arg(out),
        arg(count),
        arg(width(x)),
        arg(mask.threshold()),
        arg(mask.keptScale()),
        arg(adds(into)));
  }

  @Override
  public void add(Tensor x, Tensor target) {
    long count = target.elements();
    grids.elements("add", count, arg(x), arg(target), arg(count));
  }

  @Override
  public void scale(Tensor target, float factor) {
    long count = target.elements();
    grids.elements("scale", count, arg(target), arg(count), arg(factor));
  }

  @Override
  public void addRow(Tensor row, Tensor target) {
    long count = target.elements();
    grids.elements("add_row", count, arg(row), arg(target), arg(count), arg(width(target)));
  }

  @Override
  public void addSumOfRows(Tensor x, Tensor target) {
    grids.columns("add_sum_of_rows", x.size(1), arg(x), arg(target), arg(rows(x)), arg(width(x)));
  }

  @Override
  public void scaleColumns(Tensor factor, Tensor shift, Tensor target) {
    long count = target.elements();
    grids.elements(
        "scale_columns",
        count,
        arg(factor),
        arg(shift),
        arg(target),
        arg(count),
        arg(width(target)));
  }

  @Override
  public void scaleColumnsBackward(Tensor y, Tensor offset, Tensor factor, Tensor dy, Tensor sums) {
    grids.columns(
        "scale_columns_backward",
        dy.size(1),
        arg(y),
        arg(offset),
        arg(factor),
        arg(dy),
        arg(sums),
        arg(rows(dy)),
        arg(width(dy)));
  }

  /** Waits for the GPU; {@link #sumOfSquares(List, Tensor)} does not. */
  @Override
  public double sumOfSquares(Tensor x) {
    if (x.device() instanceof TorchDevice torch) {
      torch.downloaded();
    }
    try (Tensor total = CudaGrids.doubles(x.device(), 1);
        Arena arena = Arena.ofConfined()) {
      sumOfSquares(x, total, Into.REPLACE);
      MemorySegment value = arena.allocate(ValueLayout.JAVA_DOUBLE);
      grids.launcher().read(total.address(), value);
      return value.get(ValueLayout.JAVA_DOUBLE, 0);
    }
  }

  @Override
  public void sumOfSquares(List<Tensor> tensors, Tensor total) {
    for (int i = 0; i < tensors.size(); i++) {
      sumOfSquares(tensors.get(i), total, i == 0 ? Into.REPLACE : Into.ADD);
    }
  }

  /**
   * total (= or +=) Σ x², which stays on the GPU.
   *
   * @param x float32, or of two bytes an element
   * @param total a double: uint8 [8]
   */
  public void sumOfSquares(Tensor x, Tensor total, Into into) {
    long count = x.elements();
    try (Tensor parts = CudaGrids.doubles(x.device(), Math.ceilDiv(count, CudaGrids.PIECE))) {
      grids.pieces("squares_" + type(x.dtype()), count, arg(x), arg(parts), arg(count));
      grids.total(parts, total, into);
    }
  }

  private static String type(DType type) {
    return type.name().toLowerCase(Locale.ROOT);
  }

  private static int rows(Tensor matrix) {
    return Math.toIntExact(matrix.size(0));
  }

  private static int length(Tensor vector) {
    return Math.toIntExact(vector.elements());
  }

  private static int width(Tensor matrix) {
    return Math.toIntExact(matrix.size(1));
  }
}
