package dev.lorikeet.data;

/**
 * How often the examples of a source are trained on in an epoch.
 *
 * <p>Of weight w each is taken ⌊w⌋ times, and once more where a draw about it is below w − ⌊w⌋. The
 * draw depends on seed, source and the example's place in the source alone, so that neither the
 * other sources nor the order change it. Held-out examples are there once.
 *
 * @param weight above 0
 * @param seed of the run
 * @param source number of the source, from 0
 */
record SourceWeight(double weight, long seed, int source) {
  /** Streams of the seed that decide about copies; far from those of epochs and split. */
  private static final long FIRST_STREAM = Long.MIN_VALUE;

  /** Copies of the example at {@code index} of the source; 0 leaves it out. */
  int copies(long index) {
    int whole = (int) Math.floor(weight);
    double rest = weight - whole;
    return rest > 0 && Shuffle.unit(seed, FIRST_STREAM + source, index) < rest ? whole + 1 : whole;
  }
}
