package dev.lorikeet.kernel;

import dev.lorikeet.torch.Tensor;

/** The updates of the shape-only device: states exist, and no update takes memory. */
final class NoUpdates implements UpdateKernels {
  @Override
  public void adamW(
      Tensor parameter, Tensor gradient, Tensor mean, Tensor square, AdamWStep step) {}

  @Override
  public void adamW(Tensor parameter, Tensor gradient, QuantizedMoments moments, AdamWStep step) {}

  @Override
  public void sgd(Tensor parameter, Tensor gradient, SgdStep step) {}

  @Override
  public void sgd(Tensor parameter, Tensor gradient, Tensor momentum, SgdStep step) {}

  @Override
  public void lion(Tensor parameter, Tensor gradient, Tensor mean, LionStep step) {}

  @Override
  public void adafactor(Tensor parameter, Tensor gradient, Tensor square, AdafactorStep step) {}

  @Override
  public void adafactor(
      Tensor parameter,
      Tensor gradient,
      Tensor rowSquare,
      Tensor columnSquare,
      AdafactorStep step) {}
}
