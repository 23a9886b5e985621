package dev.lorikeet.kernel;

/**
 * Numbers of one Adafactor update (Shazeer and Stern 2018, algorithms 4 and 5) with a learning rate
 * from outside, as transformers' Adafactor computes it without scale_parameter, relative_step and
 * warmup_init: β₂ = 1 − t^−0.8; v ← β₂v + (1−β₂)(g² + 1e-30); u = g/√v; p ← p · (1 − lr·λ) − lr · u
 * / max(1, rms(u)).
 *
 * <p>Of a matrix only the means r of v's rows and c of its columns are kept, and v is r·cᵀ /
 * mean(r).
 *
 * @param learningRate lr of this step
 * @param weightDecay λ, decoupled
 * @param step t, from 1
 */
public record AdafactorStep(double learningRate, double weightDecay, long step) {
  /** Added to g². */
  static final double EPSILON = 1e-30;

  private static final double DECAY_POWER = -0.8;

  double beta2() {
    return 1 - StrictMath.pow((double) step, DECAY_POWER);
  }

  double decay() {
    return 1 - learningRate * weightDecay;
  }

  /** lr / max(1, rms(u)) of {@code elements} with this sum of u². */
  double stepSize(double sumOfSquares, long elements) {
    return learningRate / Math.max(1, Math.sqrt(sumOfSquares / elements));
  }
}
