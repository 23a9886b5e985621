package dev.lorikeet.adapter;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.nn.DenseLinear;
import dev.lorikeet.nn.Linear;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Device.Transpose;
import dev.lorikeet.torch.Rng;
import dev.lorikeet.torch.Tensor;

/**
 * The start of PiSSA: the adapter takes the largest singular values of the weight, and the frozen
 * base keeps the rest.
 *
 * <p>With W = U·diag(σ)·Vᵀ and s the scale: A₀ = diag(√(σᵣ/s))·Vᵣᵀ, B₀ = Uᵣ·diag(√(σᵣ/s)), and the
 * base becomes W − s·B₀·A₀. An adapter (A, B) trained on that base is no adapter of W. Its change
 * of W is s·(B·A − B₀·A₀), a plain LoRA of rank 2r: A' = [A; A₀], B' = [B, −B₀], with the same
 * scale. That is what is written.
 *
 * @see <a href="https://arxiv.org/abs/2404.02948">Meng, Wang and Zhang 2024, section 3</a>
 */
final class Pissa {
  private final Tensor a;
  private final Tensor b;
  private final LowRank start;

  private Pissa(LowRank start) {
    this.start = start;
    a = start.a();
    b = start.b();
  }

  /**
   * Splits the weight of {@code base}, which changes; A₀ and B₀ on {@code device}, which the caller
   * owns. The host computes.
   */
  static LowRank split(Linear base, LoraSettings settings, Device device, Rng rng) {
    Tensor held = ownWeight(base);
    Device host = device.host();
    LowRank start = LowRank.allocate(host, settings.r(), base);
    try (Tensor weight = held.on(host)) {
      if (host.isForHostCode()) {
        new Pissa(start).fill(base.name(), weight, settings, host, rng);
      }
      if (device.hasOwnMemory()) {
        held.copyFrom(weight.segment());
      }
    } catch (RuntimeException failure) {
      start.close();
      throw failure;
    }
    return start.movedTo(device);
  }

  private static Tensor ownWeight(Linear base) {
    if (!(base instanceof DenseLinear(String name, var weight, _))) {
      throw new ConfigException(
          "adapter.init_lora_weights: pissa needs the full-precision weight of "
              + base.name()
              + ", which this base does not hold; use true or gaussian.");
    }
    if (!weight.name().equals(name + ".weight")) {
      throw new ConfigException(
          "adapter.init_lora_weights: pissa would change "
              + weight.name()
              + ", which "
              + name
              + " shares; take "
              + name
              + " out of adapter.target_modules, or use true or gaussian.");
    }
    return weight.value();
  }

  private void fill(String name, Tensor weight, LoraSettings settings, Device device, Rng rng) {
    try {
      if (settings.start().kind() == LoraStart.Kind.PISSA) {
        start.decompose(weight, settings.scale());
      } else {
        randomised(weight, settings, device, rng);
      }
    } catch (ArithmeticException failure) {
      throw new ConfigException(
          "adapter.init_lora_weights: pissa cannot decompose the weight of "
              + name
              + ": "
              + failure.getMessage()
              + ". The model's files may be damaged.");
    }
    start.subtractFrom(weight, settings.scale());
  }

  /**
   * Randomised subspace iteration (Halko, Martinsson and Tropp 2011, algorithm 4.4) with r columns
   * and no more, as torch.svd_lowrank that PEFT calls: Q spans W·Ω, then Wᵀ·Q and W·Q by turns; at
   * last QᵀW = U·diag(σ)·Vᵀ, and W ≈ Q·U·diag(σ)·Vᵀ.
   */
  private void randomised(Tensor weight, LoraSettings settings, Device device, Rng rng) {
    long rank = a.size(0);
    try (Tensor left = device.floats(weight.size(0), rank);
        Tensor right = device.floats(weight.size(1), rank);
        Tensor small = device.floats(rank, weight.size(1));
        Tensor turn = device.floats(rank, rank);
        Tensor values = device.floats(rank)) {
      right.copyFrom(Lora.normal(rng, Math.toIntExact(right.elements()), 1));
      device.gemm(Transpose.NO, Transpose.NO, 1f, weight, right, 0f, left);
      orthonormalise(left, device);
      for (int i = 0; i < settings.start().iterations(); i++) {
        device.gemm(Transpose.YES, Transpose.NO, 1f, weight, left, 0f, right);
        orthonormalise(right, device);
        device.gemm(Transpose.NO, Transpose.NO, 1f, weight, right, 0f, left);
        orthonormalise(left, device);
      }
      device.gemm(Transpose.YES, Transpose.NO, 1f, left, weight, 0f, small);
      device.singularVectors(small, turn, values, a);
      device.gemm(Transpose.NO, Transpose.NO, 1f, left, turn, 0f, b);
      start.share(values.toFloats(), settings.scale());
    }
  }

  /** Columns [n, r] that span the same space: the left singular vectors. */
  private static void orthonormalise(Tensor columns, Device device) {
    long rank = columns.size(1);
    try (Tensor basis = columns.emptyLike();
        Tensor values = device.floats(rank);
        Tensor right = device.floats(rank, rank)) {
      device.singularVectors(columns, basis, values, right);
      columns.copyFrom(basis);
    }
  }
}
