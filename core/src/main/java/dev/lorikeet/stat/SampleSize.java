package dev.lorikeet.stat;

import java.util.OptionalLong;

/** How many items a paired comparison needs, in the normal approximation. */
public final class SampleSize {
  private static final double MOST = 1e15;

  private SampleSize() {}

  /**
   * Items for a mean difference: ((z₁ + z₂) · deviation / effect)², z₁ of the two-sided level and
   * z₂ of the power. Empty where there is no effect or no number that large.
   *
   * @param effect mean difference to be seen
   * @param deviation standard deviation of the differences of single items
   * @param level 1 − the p-value that counts
   * @param power probability that the test shows the effect
   */
  public static OptionalLong mean(double effect, double deviation, double level, double power) {
    if (effect == 0) {
      return OptionalLong.empty();
    }
    double root = (Normal.reach(level) + Normal.quantile(power)) * deviation / effect;
    return whole(root * root);
  }

  /**
   * Items for a difference between shares of right answers: (z₁√ψ + z₂√(ψ − δ²))² / δ².
   *
   * @param changed ψ, share of items that are right in one run only
   * @param effect δ, difference of the shares
   * @see <a href="https://doi.org/10.2307/2531892">Connor 1987</a>
   */
  public static OptionalLong rightOrWrong(
      double changed, double effect, double level, double power) {
    if (effect == 0) {
      return OptionalLong.empty();
    }
    double within = StrictMath.sqrt(Math.max(0, changed - effect * effect));
    double root =
        (Normal.reach(level) * StrictMath.sqrt(changed) + Normal.quantile(power) * within) / effect;
    return whole(root * root);
  }

  /** At least 2: one item shows no spread. */
  private static OptionalLong whole(double items) {
    return items < MOST
        ? OptionalLong.of(Math.max(2, (long) StrictMath.ceil(items)))
        : OptionalLong.empty();
  }
}
