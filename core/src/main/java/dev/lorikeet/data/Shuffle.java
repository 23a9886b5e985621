package dev.lorikeet.data;

/**
 * Permutations that depend on nothing but their seed: Fisher–Yates driven by SplitMix64.
 *
 * <p>The generator is the one of Steele, Lea and Flood, "Fast splittable pseudorandom number
 * generators" (2014), figure 17: a counter that grows by the golden gamma, and a 64-bit mix. Its
 * first state is {@code mix(mix(seed) + stream)}, so that streams of one seed share nothing. A draw
 * below n takes the high 32 bits of a value times n, and repeats in the biased rest (Lemire 2019),
 * so every permutation that the generator can reach is equally likely.
 */
public final class Shuffle {
  /** Stream that decides which examples are held out. */
  public static final long SPLIT_STREAM = -1;

  private static final long GOLDEN_GAMMA = 0x9e3779b97f4a7c15L;

  private long state;

  private Shuffle(long seed, long stream) {
    state = mix(mix(seed) + stream);
  }

  /**
   * The numbers 0 to {@code size} − 1 in an order that depends only on the arguments.
   *
   * @param stream which permutation of the seed; an epoch uses its own number, from 0
   */
  public static int[] permutation(int size, long seed, long stream) {
    Shuffle draws = new Shuffle(seed, stream);
    int[] order = new int[size];
    for (int i = 0; i < size; i++) {
      order[i] = i;
    }
    for (int i = size - 1; i > 0; i--) {
      int j = draws.below(i + 1);
      int swapped = order[i];
      order[i] = order[j];
      order[j] = swapped;
    }
    return order;
  }

  /**
   * A number in [0, 1) that depends only on the arguments, for draws about single records: the high
   * 53 bits of the first value of a generator whose seed is drawn from {@code seed} and {@code
   * stream}, as the streams of {@link #permutation}, and {@code index}.
   */
  static double unit(long seed, long stream, long index) {
    Shuffle draws = new Shuffle(mix(mix(seed) + stream), index);
    return (draws.next() >>> 11) * 0x1.0p-53;
  }

  private int below(int bound) {
    long product = (next() >>> 32) * bound;
    long biased = 0x1_0000_0000L % bound;
    while ((product & 0xffff_ffffL) < biased) {
      product = (next() >>> 32) * bound;
    }
    return (int) (product >>> 32);
  }

  private long next() {
    state += GOLDEN_GAMMA;
    return mix(state);
  }

  private static long mix(long value) {
    long z = (value ^ (value >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }
}
