package dev.lorikeet.kernel;

import dev.lorikeet.kernel.Kernels.Into;
import dev.lorikeet.torch.CpuDevice;
import dev.lorikeet.torch.Tensor;

/** Layers of the CPU: rows or elements are shared by the device's workers in fixed ranges. */
final class VectorLayers implements LayerKernels {
  private final LayerNormKernel norm;
  private final ActivationKernel activations;
  private final ColumnCopyKernel columnCopies;

  VectorLayers(CpuDevice device) {
    norm = new LayerNormKernel(device);
    activations = new ActivationKernel(device);
    columnCopies = new ColumnCopyKernel(device);
  }

  @Override
  public void layerNorm(Tensor x, Tensor weight, double eps, Tensor y, Tensor moments) {
    norm.forward(x, weight, eps, y, moments);
  }

  @Override
  public void layerNormBackward(
      Tensor dy, Tensor x, Tensor weight, Tensor moments, Tensor dx, Into into) {
    norm.backward(dy, x, weight, moments, dx, into);
  }

  @Override
  public void layerNormWeightGradient(Tensor dy, Tensor x, Tensor moments, Tensor dWeight) {
    norm.weightGradient(dy, x, moments, dWeight);
  }

  @Override
  public void activate(Activation f, Tensor x, Tensor out) {
    activations.forward(f, x, out);
  }

  @Override
  public void activateBackward(Activation f, Tensor dOut, Tensor x, Tensor dx) {
    activations.backward(f, dOut, x, dx);
  }

  @Override
  public void gated(Activation f, Tensor gate, Tensor up, Tensor out) {
    activations.gated(f, gate, up, out);
  }

  @Override
  public void gatedBackward(
      Activation f, Tensor dOut, Tensor gate, Tensor up, Tensor dGate, Tensor dUp) {
    activations.gatedBackward(f, dOut, gate, up, dGate, dUp);
  }

  @Override
  public void gatherColumns(Tensor x, Columns columns, Tensor out) {
    columnCopies.gather(x, columns, out);
  }

  @Override
  public void scatterColumns(Tensor x, Columns columns, Tensor target, Into into) {
    columnCopies.scatter(x, columns, target, into);
  }

  @Override
  public void softCap(Tensor target, float cap) {
    activations.softCap(target, cap);
  }

  @Override
  public void softCapBackward(Tensor y, float cap, Tensor dy) {
    activations.softCapBackward(y, cap, dy);
  }
}
