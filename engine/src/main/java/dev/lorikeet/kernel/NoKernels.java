package dev.lorikeet.kernel;

import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;

/**
 * The kernels of the shape-only device: outputs exist already, so all that is left to do is to
 * count the scratch memory that the CPU's kernels take.
 */
final class NoKernels implements Kernels {
  private final Device device;

  NoKernels(Device device) {
    this.device = device;
  }

  @Override
  public UpdateKernels updates() {
    return new NoUpdates();
  }

  @Override
  public LayerKernels layers() {
    return new NoLayers();
  }

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
  public void rope(
      Tensor x, int headDim, Tensor cos, Tensor sin, Tensor positions, Rotation rotation) {}

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
      Tensor lse) {
    countScratch(shape, segments, AttentionKernel.FORWARD_BLOCKS);
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
    countScratch(shape, segments, AttentionKernel.BACKWARD_BLOCKS);
  }

  private void countScratch(AttentionShape shape, Segments segments, int blocks) {
    if (AttentionKernel.workers(device, shape, segments) > 0) {
      AttentionKernel.scratch(device, shape, segments, blocks).close();
    }
  }

  @Override
  public void crossEntropy(Tensor logits, Tensor labels, Tensor losses) {}

  @Override
  public void crossEntropyWithGradient(Tensor logits, Tensor labels, Tensor losses, float scale) {}

  @Override
  public void labelIsLargest(Tensor logits, Tensor labels, Tensor hits) {}

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
  public void scaleColumns(Tensor factor, Tensor shift, Tensor target) {}

  @Override
  public void scaleColumnsBackward(
      Tensor y, Tensor offset, Tensor factor, Tensor dy, Tensor sums) {}

  @Override
  public double sumOfSquares(Tensor x) {
    return 0;
  }
}
