package dev.lorikeet.adapter;

/**
 * Values of A and B before the first step.
 *
 * @param kind how they are drawn
 * @param iterations of {@link Kind#PISSA_NITER}, at least 0; turns of {@link Kind#LOFTQ}, at least
 *     1; otherwise 0
 */
public record LoraStart(Kind kind, int iterations) {
  /** A uniform in ±1/√in, B zero. */
  public static final LoraStart UNIFORM = new LoraStart(Kind.UNIFORM, 0);

  /** A normal with standard deviation 1/r, B zero. */
  public static final LoraStart GAUSSIAN = new LoraStart(Kind.GAUSSIAN, 0);

  /** The largest singular values of the weight, see {@link Pissa}. */
  public static final LoraStart PISSA = new LoraStart(Kind.PISSA, 0);

  /** How values are drawn. */
  public enum Kind {
    UNIFORM,
    GAUSSIAN,
    /** From the weight's exact singular value decomposition. */
    PISSA,
    /** From a randomised one. */
    PISSA_NITER,
    /** From what quantisation loses of the weight. */
    LOFTQ
  }

  /** The largest singular values, found by subspace iterations from a random start. */
  public static LoraStart pissa(int iterations) {
    return new LoraStart(Kind.PISSA_NITER, iterations);
  }

  /** The largest singular values of what quantisation loses, see {@link LoftQ}. */
  public static LoraStart loftq(int turns) {
    return new LoraStart(Kind.LOFTQ, turns);
  }

  /** Whether the start makes up for the quantisation of the base. */
  boolean mendsQuantisation() {
    return kind == Kind.LOFTQ;
  }

  /** Whether the base gives a part of its weight to the adapter. */
  boolean splitsBase() {
    return kind == Kind.PISSA || kind == Kind.PISSA_NITER;
  }
}
