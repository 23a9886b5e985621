package dev.lorikeet.stat;

/** Which values of a score are better. */
public enum Direction {
  HIGHER_IS_BETTER,
  LOWER_IS_BETTER,
  /** Neither: the score describes, as a length does. */
  NEITHER;

  /** Whether a score that moved by {@code change} became better. */
  public boolean isBetter(double change) {
    return switch (this) {
      case HIGHER_IS_BETTER -> change > 0;
      case LOWER_IS_BETTER -> change < 0;
      case NEITHER -> false;
    };
  }
}
