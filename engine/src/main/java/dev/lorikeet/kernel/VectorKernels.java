package dev.lorikeet.kernel;

import dev.lorikeet.torch.CpuDevice;
import dev.lorikeet.torch.Tensor;

/** Kernels of the CPU: rows or elements are shared by the device's workers in fixed ranges. */
final class VectorKernels implements Kernels {
  private final RowKernel rows;
  private final NormKernel norm;
  private final RopeKernel rope;
  private final GateKernel gate;
  private final AttentionKernel attention;
  private final CrossEntropyKernel crossEntropy;
  private final ElementKernel elements;
  private final VectorUpdates updates;
  private final VectorLayers layers;
  private final ColumnKernel columns;

  VectorKernels(CpuDevice device) {
    rows = new RowKernel(device);
    norm = new NormKernel(device);
    rope = new RopeKernel(device);
    gate = new GateKernel(device);
    attention = new AttentionKernel(device);
    crossEntropy = new CrossEntropyKernel(device);
    elements = new ElementKernel(device);
    updates = new VectorUpdates(device);
    layers = new VectorLayers(device);
    columns = new ColumnKernel(device);
  }

  @Override
  public UpdateKernels updates() {
    return updates;
  }

  @Override
  public LayerKernels layers() {
    return layers;
  }

  @Override
  public void gatherRows(Tensor table, Tensor ids, Tensor out) {
    rows.gather(table, ids, out);
  }

  @Override
  public void scatterAddRows(Tensor source, Tensor ids, Tensor table) {
    rows.scatterAdd(source, ids, table);
  }

  @Override
  public void rmsNorm(Tensor x, Tensor weight, double eps, Tensor y, Tensor rstd) {
    norm.forward(x, weight, eps, y, rstd);
  }

  @Override
  public void rmsNormBackward(
      Tensor dy, Tensor x, Tensor weight, Tensor rstd, Tensor dx, Into into) {
    norm.backward(dy, x, weight, rstd, dx, into);
  }

  @Override
  public void rmsNormWeightGradient(Tensor dy, Tensor x, Tensor rstd, Tensor dWeight) {
    norm.weightGradient(dy, x, rstd, dWeight);
  }

  @Override
  public void rope(
      Tensor x, int headDim, Tensor cos, Tensor sin, Tensor positions, Rotation rotation) {
    rope.rotate(x, headDim, cos, sin, positions, rotation);
  }

  @Override
  public void swiglu(Tensor gateValues, Tensor up, Tensor out) {
    gate.forward(gateValues, up, out);
  }

  @Override
  public void swigluBackward(Tensor dOut, Tensor gateValues, Tensor up, Tensor dGate, Tensor dUp) {
    gate.backward(dOut, gateValues, up, dGate, dUp);
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
    attention.forward(shape, segments, new AttentionTensors(q, k, v, out, lse));
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
    attention.backward(shape, segments, forward, dOut, dq, dk, dv);
  }

  @Override
  public void crossEntropy(Tensor logits, Tensor labels, Tensor losses) {
    crossEntropy.losses(logits, labels, losses);
  }

  @Override
  public void crossEntropyWithGradient(Tensor logits, Tensor labels, Tensor losses, float scale) {
    crossEntropy.lossesAndGradient(logits, labels, losses, scale);
  }

  @Override
  public void labelIsLargest(Tensor logits, Tensor labels, Tensor hits) {
    crossEntropy.labelIsLargest(logits, labels, hits);
  }

  @Override
  public void dropout(Tensor x, DropoutMask mask, Tensor out, Into into) {
    elements.dropout(x, mask, out, into);
  }

  @Override
  public void add(Tensor x, Tensor target) {
    elements.add(x, target);
  }

  @Override
  public void scale(Tensor target, float factor) {
    elements.scale(target, factor);
  }

  @Override
  public void addRow(Tensor row, Tensor target) {
    rows.addRow(row, target);
  }

  @Override
  public void addSumOfRows(Tensor x, Tensor target) {
    rows.addSumOfRows(x, target);
  }

  @Override
  public void scaleColumns(Tensor factor, Tensor shift, Tensor target) {
    columns.scale(factor, shift, target);
  }

  @Override
  public void scaleColumnsBackward(Tensor y, Tensor offset, Tensor factor, Tensor dy, Tensor sums) {
    columns.scaleBackward(y, offset, factor, dy, sums);
  }

  @Override
  public double sumOfSquares(Tensor x) {
    return elements.sumOfSquares(x);
  }
}
