package dev.lorikeet.kernel;

/**
 * What one attention layer is: heads, grouping and scores.
 *
 * @param heads query heads, a multiple of {@code kvHeads}
 * @param kvHeads key and value heads; query head h reads key head h / (heads / kvHeads)
 * @param headDim columns of one head
 * @param scale factor of the scores, usually 1/√headDim
 * @param window keys a query sees, itself included; 0 for all before it
 * @param softCap scores become {@code softCap · tanh(score / softCap)}; 0 for none
 */
public record AttentionShape(
    int heads, int kvHeads, int headDim, float scale, int window, float softCap) {

  public AttentionShape {
    if (heads < 1 || kvHeads < 1 || headDim < 1 || heads % kvHeads != 0) {
      throw new IllegalStateException(
          heads + " heads over " + kvHeads + " key-value heads of " + headDim);
    }
    if (window < 0 || softCap < 0) {
      throw new IllegalStateException("window " + window + ", soft cap " + softCap);
    }
  }

  /** All keys, no cap, scale 1/√headDim. */
  public static AttentionShape causal(int heads, int kvHeads, int headDim) {
    return new AttentionShape(heads, kvHeads, headDim, (float) (1.0 / Math.sqrt(headDim)), 0, 0f);
  }

  /** Query heads that share one key head. */
  public int group() {
    return heads / kvHeads;
  }
}
