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
    long step) {}
