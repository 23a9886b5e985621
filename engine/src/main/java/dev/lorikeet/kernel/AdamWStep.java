package dev.lorikeet.kernel;

/**
 * Numbers of one AdamW update (Loshchilov and Hutter 2019, as torch.optim.AdamW computes it): p ←
 * p·(1 − lr·λ); m ← β₁m + (1−β₁)g; v ← β₂v + (1−β₂)g²; p ← p − (lr / (1−β₁ᵗ)) · m / (√v / √(1−β₂ᵗ)
 * + ε).
 *
 * @param learningRate lr of this step
 * @param beta1 decay of the mean of gradients
 * @param beta2 decay of the mean of squares
 * @param epsilon ε
 * @param weightDecay λ, decoupled
 * @param step t, from 1
 */
public record AdamWStep(
    double learningRate,
    double beta1,
    double beta2,
    double epsilon,
    double weightDecay,
    long step) {

  float keptMean() {
    return (float) beta1;
  }

  float newMean() {
    return (float) (1 - beta1);
  }

  float keptSquare() {
    return (float) beta2;
  }

  float newSquare() {
    return (float) (1 - beta2);
  }

  /** 1 − lr·λ. */
  float decay() {
    return (float) (1 - learningRate * weightDecay);
  }

  /** −lr / (1−β₁ᵗ). */
  float stepSize() {
    return (float) (-learningRate / (1 - Math.pow(beta1, (double) step)));
  }

  /** 1 / √(1−β₂ᵗ). */
  float rootScale() {
    return (float) (1 / Math.sqrt(1 - Math.pow(beta2, (double) step)));
  }
}
