package dev.lorikeet.kernel;

import dev.lorikeet.kernel.Kernels.Into;
import dev.lorikeet.torch.Tensor;

/** Layers of the shape-only device: outputs exist already, and the CPU's take no scratch memory. */
final class NoLayers implements LayerKernels {

  @Override
  public void layerNorm(Tensor x, Tensor weight, double eps, Tensor y, Tensor moments) {}

  @Override
  public void layerNormBackward(
      Tensor dy, Tensor x, Tensor weight, Tensor moments, Tensor dx, Into into) {}

  @Override
  public void layerNormWeightGradient(Tensor dy, Tensor x, Tensor moments, Tensor dWeight) {}

  @Override
  public void activate(Activation f, Tensor x, Tensor out) {}

  @Override
  public void activateBackward(Activation f, Tensor dOut, Tensor x, Tensor dx) {}

  @Override
  public void gated(Activation f, Tensor gate, Tensor up, Tensor out) {}

  @Override
  public void gatedBackward(
      Activation f, Tensor dOut, Tensor gate, Tensor up, Tensor dGate, Tensor dUp) {}

  @Override
  public void gatherColumns(Tensor x, Columns columns, Tensor out) {}

  @Override
  public void scatterColumns(Tensor x, Columns columns, Tensor target, Into into) {}

  @Override
  public void softCap(Tensor target, float cap) {}

  @Override
  public void softCapBackward(Tensor y, float cap, Tensor dy) {}
}
