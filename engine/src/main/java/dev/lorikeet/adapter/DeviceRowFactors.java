package dev.lorikeet.adapter;

import dev.lorikeet.kernel.MagnitudeKernels;
import dev.lorikeet.kernel.MagnitudeKernels.Batch;
import dev.lorikeet.kernel.MagnitudeKernels.Decomposed;
import dev.lorikeet.kernel.MagnitudeKernels.Sums;
import dev.lorikeet.nn.BaseWeight;
import dev.lorikeet.torch.Tensor;
import dev.lorikeet.torch.TorchDevice;

/** Factors on a device whose memory the host does not see: nothing of them comes to the host. */
final class DeviceRowFactors extends RowFactors {
  private final MagnitudeKernels kernels;
  private final Decomposed decomposed;
  private final Tensor squares;
  private final Tensor norms;

  /** Factors whose magnitude is the present norm of the rows, so that c = 1 exactly. */
  static DeviceRowFactors start(Lora lora, BaseWeight weight) {
    Tensor magnitude = lora.a().value().device().floats(lora.outFeatures());
    DeviceRowFactors factors = new DeviceRowFactors(lora, weight, magnitude);
    factors.updateNorms();
    magnitude.copyFrom(factors.norms);
    factors.followed();
    return factors;
  }

  /** Factors with a given magnitude, which they take over. */
  DeviceRowFactors(Lora lora, BaseWeight weight, Tensor magnitude) {
    super(lora, weight, magnitude);
    if (!(magnitude.device() instanceof TorchDevice device)) {
      throw new IllegalStateException("no kernels for magnitudes on " + magnitude.device());
    }
    kernels = MagnitudeKernels.of(device);
    decomposed =
        new Decomposed(weight.onDevice(), lora.a().value(), lora.b().value(), lora.scale());
    squares = magnitude.emptyLike();
    norms = magnitude.emptyLike();
    kernels.rowSquares(decomposed.weight(), squares);
  }

  @Override
  void updateNorms() {
    kernels.rowNorms(decomposed, squares, norms);
  }

  @Override
  void updateFactors() {
    kernels.factors(magnitude().value(), norms, bias(), factor(), shift());
  }

  @Override
  LessOne lessOne() {
    LessOne less = new LessOne(factor().emptyLike(), shift().emptyLike());
    kernels.lessOne(factor(), bias(), less.factor(), less.shift());
    return less;
  }

  @Override
  void addGradient(Sums form, Tensor sums) {
    kernels.addGradient(form, sums, factor(), norms, magnitude().gradientToAddTo());
  }

  @Override
  void addGradientOfWeakRows(Tensor input, Tensor u, Tensor dy) {
    kernels.addGradientOfWeakRows(
        decomposed, factor(), norms, new Batch(input, u, dy), magnitude().gradientToAddTo());
  }

  @Override
  public void close() {
    super.close();
    squares.close();
    norms.close();
  }
}
