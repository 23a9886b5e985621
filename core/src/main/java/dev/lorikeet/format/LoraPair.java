package dev.lorikeet.format;

import java.util.Optional;

/**
 * The tensors of one low-rank adapter: the module's weight changes by scale · b · a.
 *
 * @param a lora_A.weight, [r, in]
 * @param b lora_B.weight, [out, r]
 * @param magnitude lora_magnitude_vector, [out], of an adapter with {@code use_dora}
 */
public record LoraPair(FloatTensor a, FloatTensor b, Optional<FloatTensor> magnitude) {
  /** Checks that both are matrices of one rank. */
  public LoraPair {
    if (a.shape().size() != 2
        || b.shape().size() != 2
        || !a.shape().get(0).equals(b.shape().get(1))) {
      throw new IllegalStateException(
          "lora_A %s and lora_B %s are not [r, in] and [out, r]".formatted(a.shape(), b.shape()));
    }
  }

  /** A pair without magnitude. */
  public LoraPair(FloatTensor a, FloatTensor b) {
    this(a, b, Optional.empty());
  }

  /** The rank r, at least 1 in any useful adapter. */
  public long rank() {
    return a.shape().getFirst();
  }
}
