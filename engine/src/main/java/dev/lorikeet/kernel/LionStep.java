package dev.lorikeet.kernel;

/**
 * Numbers of one Lion update (Chen et al. 2023, algorithm 2): c = β₁m + (1−β₁)g; p ← p − lr ·
 * (sign(c) + λp); m ← β₂m + (1−β₂)g. sign(0) is 0.
 *
 * @param learningRate lr of this step
 * @param beta1 share of the mean in the direction
 * @param beta2 decay of the mean
 * @param weightDecay λ, decoupled
 */
public record LionStep(double learningRate, double beta1, double beta2, double weightDecay) {}
