package dev.lorikeet.kernel;

import dev.lorikeet.torch.Tensor;

/** The kernels of the shape-only device: outputs exist already, so there is nothing to do. */
final class NoKernels implements Kernels {

  @Override
  public void gatherRows(Tensor table, Tensor ids, Tensor out) {}

  @Override
  public void scatterAddRows(Tensor rows, Tensor ids, Tensor table) {}

  @Override
  public void rmsNorm(Tensor x, Tensor weight, double eps, Tensor y, Tensor rstd) {}

  @Override
  public void rmsNormBackward(
      Tensor dy, Tensor x, Tensor weight, Tensor rstd, Tensor dx, Into into) {}

  @Override
  public void rmsNormWeightGradient(Tensor dy, Tensor x, Tensor rstd, Tensor dWeight) {}

  @Override
  public void rope(Tensor x, Tensor cos, Tensor sin, Tensor positions, Rotation rotation) {}

  @Override
  public void swiglu(Tensor gate, Tensor up, Tensor out) {}

  @Override
  public void swigluBackward(Tensor dOut, Tensor gate, Tensor up, Tensor dGate, Tensor dUp) {}

  @Override
  public void attention(
      AttentionShape shape,
      Segments segments,
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor out,
      Tensor lse) {}

  @Override
  public void attentionBackward(
      AttentionShape shape,
      Segments segments,
      AttentionTensors forward,
      Tensor dOut,
      Tensor dq,
      Tensor dk,
      Tensor dv) {}

  @Override
  public void crossEntropy(Tensor logits, Tensor labels, Tensor losses) {}

  @Override
  public void crossEntropyWithGradient(Tensor logits, Tensor labels, Tensor losses, float scale) {}

  @Override
  public void dropout(Tensor x, DropoutMask mask, Tensor out, Into into) {}

  @Override
  public void add(Tensor x, Tensor target) {}

  @Override
  public void scale(Tensor target, float factor) {}

  @Override
  public void addRow(Tensor row, Tensor target) {}

  @Override
  public void addSumOfRows(Tensor x, Tensor target) {}

  @Override
  public double sumOfSquares(Tensor x) {
    return 0;
  }

  @Override
  public void adamW(
      Tensor parameter, Tensor gradient, Tensor mean, Tensor square, AdamWStep step) {}
}
