package dev.lorikeet.kernel;

import dev.lorikeet.torch.Tensor;

/**
 * The updates of optimisers: a parameter and its states are changed in place by a gradient of the
 * same shape. Tensors are float32 unless said. Every element has one order of operations, and sums
 * have a fixed one, whatever the number of threads.
 */
public interface UpdateKernels {

  /** One AdamW update of {@code parameter} and its two states. */
  void adamW(Tensor parameter, Tensor gradient, Tensor mean, Tensor square, AdamWStep step);

  /** The same with states of 8 bits, which are rounded once they have been used. */
  void adamW(Tensor parameter, Tensor gradient, QuantizedMoments moments, AdamWStep step);

  /** One step of gradient descent. */
  void sgd(Tensor parameter, Tensor gradient, SgdStep step);

  /** One step of gradient descent with momentum, which is zero before the first. */
  void sgd(Tensor parameter, Tensor gradient, Tensor momentum, SgdStep step);

  /** One Lion update of {@code parameter} and its mean. */
  void lion(Tensor parameter, Tensor gradient, Tensor mean, LionStep step);

  /** One Adafactor update with a mean square of every element. */
  void adafactor(Tensor parameter, Tensor gradient, Tensor square, AdafactorStep step);

  /** One Adafactor update of a matrix [R,C] with mean squares of its rows [R] and columns [C]. */
  void adafactor(
      Tensor parameter, Tensor gradient, Tensor rowSquare, Tensor columnSquare, AdafactorStep step);
}
