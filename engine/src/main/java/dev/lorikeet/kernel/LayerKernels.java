package dev.lorikeet.kernel;

import dev.lorikeet.kernel.Kernels.Into;
import dev.lorikeet.torch.Tensor;

/**
 * The operations of layers that Llama's family does without. Tensors are float32; T rows are the
 * tokens of a packed batch. Outputs are allocated by the caller.
 */
public interface LayerKernels {

  /**
   * y = (x − mean)·rstd·w of every run of weight.elements() numbers, with rstd = 1/√(variance +
   * eps). x and y [T,N], weight [H] where H divides N, moments [T·N/H, 2]: mean and rstd.
   */
  void layerNorm(Tensor x, Tensor weight, double eps, Tensor y, Tensor moments);

  /** With g = w·dy and z = (x − mean)·rstd: dx (= or +=) rstd·(g − mean(g) − z·mean(g·z)). */
  void layerNormBackward(Tensor dy, Tensor x, Tensor weight, Tensor moments, Tensor dx, Into into);

  /** dWeight += Σ dy·(x − mean)·rstd. */
  void layerNormWeightGradient(Tensor dy, Tensor x, Tensor moments, Tensor dWeight);

  /** out = f(x); all of one shape. */
  void activate(Activation f, Tensor x, Tensor out);

  /** dx = dOut·f′(x); all of one shape, dx none of the others. */
  void activateBackward(Activation f, Tensor dOut, Tensor x, Tensor dx);

  /** out = f(gate)·up; all of one shape. */
  void gated(Activation f, Tensor gate, Tensor up, Tensor out);

  /** dGate = dOut·up·f′(gate), dUp = dOut·f(gate); dGate and dUp none of the others. */
  void gatedBackward(Activation f, Tensor dOut, Tensor gate, Tensor up, Tensor dGate, Tensor dUp);

  /** out [T, columns.size()] = the columns of x [T, columns.total()], in order. */
  void gatherColumns(Tensor x, Columns columns, Tensor out);

  /**
   * The columns of target [T, columns.total()] (= or +=) x [T, columns.size()], the others stay.
   */
  void scatterColumns(Tensor x, Columns columns, Tensor target, Into into);

  /** target = cap · tanh(target / cap). */
  void softCap(Tensor target, float cap);

  /** dy *= 1 − (y / cap)², where y is what {@link #softCap} gave. */
  void softCapBackward(Tensor y, float cap, Tensor dy);
}
