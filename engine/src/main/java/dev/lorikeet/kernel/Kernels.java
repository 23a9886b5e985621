package dev.lorikeet.kernel;

import dev.lorikeet.torch.CpuDevice;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.LibTorch.Precision;
import dev.lorikeet.torch.Tensor;
import dev.lorikeet.torch.TorchDevice;
import java.util.List;

/**
 * The operations that are more than a matrix product. Tensors are float32 unless said; T rows are
 * the tokens of a packed batch. Outputs are allocated by the caller.
 */
public interface Kernels {

  /** Direction of a rotation. */
  enum Rotation {
    FORWARD,
    BACKWARD
  }

  /** Whether a result replaces the target or is added to it. */
  enum Into {
    REPLACE,
    ADD
  }

  /** Kernels of a device that is waited for whenever it gives a number to the host. */
  interface Totals {
    /**
     * total = the sum of {@link Kernels#sumOfSquares} over all of {@code tensors}, which stays on
     * the device: nothing is waited for.
     *
     * @param tensors at least one
     * @param total the bytes of a double, uint8 [8]
     */
    void sumOfSquares(List<Tensor> tensors, Tensor total);
  }

  /** A device that brings its own kernels. */
  interface Provider {
    /** The kernels for tensors of this device. */
    Kernels kernels();
  }

  /** The kernels for tensors of {@code device}. */
  static Kernels of(Device device) {
    return switch (device) {
      case CpuDevice cpu -> new VectorKernels(cpu);
      case TorchDevice torch -> torchKernels(torch);
      case Provider own -> own.kernels();
      default -> new NoKernels(device);
    };
  }

  private static Kernels torchKernels(TorchDevice device) {
    Kernels formulas = new TorchKernels(device);
    return device
        .launcher()
        .<Kernels>map(launcher -> new CudaKernels(launcher, formulas))
        .orElse(formulas);
  }

  /**
   * Plain float32 libtorch formulas for host tensors: the reference, and the kernels of devices
   * without own ones. Loads libtorch.
   */
  static Kernels reference(Device device) {
    if (!device.hasHostMemory()) {
      throw new IllegalStateException("libtorch cannot see the memory of " + device);
    }
    return new TorchKernels(Precision.FLOAT32);
  }

  /** The updates of optimisers on the same device. */
  UpdateKernels updates();

  /** The operations of further layers on the same device. */
  LayerKernels layers();

  /**
   * out[t] = table[ids[t]]; table [V,H], perhaps of two bytes an element, ids int32 [T], out [T,H].
   */
  void gatherRows(Tensor table, Tensor ids, Tensor out);

  /** table[ids[t]] += rows[t], in the order of t. */
  void scatterAddRows(Tensor rows, Tensor ids, Tensor table);

  /**
   * y = x · rstd · w of every run of weight.elements() numbers, with rstd = 1/√(mean(x²) + eps); x,
   * y [T,N], weight [H] where H divides N, rstd [T·N/H].
   */
  void rmsNorm(Tensor x, Tensor weight, double eps, Tensor y, Tensor rstd);

  /** dx (= or +=) rstd·(w·dy) − x·rstd³·mean(w·dy·x). */
  void rmsNormBackward(Tensor dy, Tensor x, Tensor weight, Tensor rstd, Tensor dx, Into into);

  /** dWeight += Σₜ dy·x·rstd. */
  void rmsNormWeightGradient(Tensor dy, Tensor x, Tensor rstd, Tensor dWeight);

  /**
   * Rotates the halves of the first R columns of every head in place: (a, b) → (a·cos − b·sin,
   * b·cos + a·sin), with the sine negated for BACKWARD. x [T, heads·headDim], cos and sin [P, R/2]
   * with R at most headDim, positions int32 [T].
   */
  void rope(Tensor x, int headDim, Tensor cos, Tensor sin, Tensor positions, Rotation rotation);

  /** out = silu(gate) · up; all of one shape. */
  void swiglu(Tensor gate, Tensor up, Tensor out);

  /** dGate = dOut·up·silu′(gate), dUp = dOut·silu(gate); may overwrite gate and up. */
  void swigluBackward(Tensor dOut, Tensor gate, Tensor up, Tensor dGate, Tensor dUp);

  /**
   * Causal attention inside segments. q and out [T, heads·D], k and v [rows, kvHeads·D], lse [T,
   * heads]: the logarithm of each query's sum of exponentials, for the backward pass.
   */
  void attention(
      AttentionShape shape,
      Segments segments,
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor out,
      Tensor lse);

  /** Gradients of {@link #attention}; dq, dk and dv are replaced. */
  void attentionBackward(
      AttentionShape shape,
      Segments segments,
      AttentionTensors forward,
      Tensor dOut,
      Tensor dq,
      Tensor dk,
      Tensor dv);

  /** What the backward pass of attention needs of the forward pass. */
  record AttentionTensors(Tensor q, Tensor k, Tensor v, Tensor out, Tensor lse) {}

  /** losses[t] = −log softmax(logits[t])[labels[t]]; logits [T,V], labels int32 [T]. */
  void crossEntropy(Tensor logits, Tensor labels, Tensor losses);

  /** The same, and logits become scale · (softmax(logits) − onehot(labels)). */
  void crossEntropyWithGradient(Tensor logits, Tensor labels, Tensor losses, float scale);

  /**
   * hits[t] = 1 if labels[t] is the first index of the largest number of logits[t], else 0; logits
   * [T,V], labels int32 [T], hits [T]. Where a logit is not a number there is no largest one.
   */
  void labelIsLargest(Tensor logits, Tensor labels, Tensor hits);

  /** out = x with the mask's elements zeroed and the kept ones scaled; also its own backward. */
  void dropout(Tensor x, DropoutMask mask, Tensor out, Into into);

  /** target += x. */
  void add(Tensor x, Tensor target);

  /** target *= factor. */
  void scale(Tensor target, float factor);

  /** Every row of target [T,N] += row [N]. */
  void addRow(Tensor row, Tensor target);

  /** target [N] += the sum of the rows of x [T,N]. */
  void addSumOfRows(Tensor x, Tensor target);

  /** target[t,i] = target[t,i] · factor[i] + shift[i], rounded once; target [T,N]. */
  void scaleColumns(Tensor factor, Tensor shift, Tensor target);

  /**
   * sums[i] += Σₜ dy[t,i]·(y[t,i] − offset[i]), and then dy[t,i] *= factor[i].
   *
   * @param y [T,N]
   * @param offset [N]
   * @param factor [N]
   * @param dy [T,N], changed
   * @param sums [N], added to in the order of t
   */
  void scaleColumnsBackward(Tensor y, Tensor offset, Tensor factor, Tensor dy, Tensor sums);

  /** Σ x² of floating-point numbers, summed in double in a fixed order. */
  double sumOfSquares(Tensor x);
}
