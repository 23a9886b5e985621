package dev.lorikeet.format;

/**
 * The two matrices of one low-rank adapter: the module's weight changes by scale · b · a.
 *
 * @param a lora_A.weight, [r, in]
 * @param b lora_B.weight, [out, r]
 */
public record LoraPair(FloatTensor a, FloatTensor b) {
  /** Checks that both are matrices of one rank. */
  public LoraPair {
    if (a.shape().size() != 2
        || b.shape().size() != 2
        || !a.shape().get(0).equals(b.shape().get(1))) {
      throw new IllegalStateException(
          "lora_A %s and lora_B %s are not [r, in] and [out, r]".formatted(a.shape(), b.shape()));
    }
  }

  /** The rank r, at least 1 in any useful adapter. */
  public long rank() {
    return a.shape().getFirst();
  }
}
