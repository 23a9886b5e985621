package dev.lorikeet.train;

/**
 * Numbers of dynamic loss scaling: the loss is multiplied by a factor before going back, so that
 * gradients too small for float16 do not become zero, and the gradients of the parameters are
 * divided by it. A gradient that overflows halves the factor and its step changes nothing; after
 * {@code growthSteps} steps without an overflow the factor is doubled.
 *
 * <p>Factors are powers of two, so nothing else is rounded differently.
 *
 * @param start first factor, a power of two from 1 to 2¹²⁷
 * @param growthSteps steps without an overflow before the factor grows, at least 1
 * @see <a href="https://arxiv.org/abs/1710.03740">Micikevicius et al. 2018, section 3.2</a>
 */
public record LossScaling(float start, int growthSteps) {

  public LossScaling {
    boolean powerOfTwo = start == Math.scalb(1f, Math.getExponent(start));
    if (!(start >= 1) || !Float.isFinite(start) || !powerOfTwo || growthSteps < 1) {
      throw new IllegalStateException(
          "loss scale " + start + ", growing after " + growthSteps + " steps");
    }
  }

  /** 2¹⁶ and 2,000 steps: torch.amp.GradScaler's. */
  public static LossScaling standard() {
    return new LossScaling(65536f, 2000);
  }
}
