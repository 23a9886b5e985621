package dev.lorikeet.nano;

import java.util.Collections;
import java.util.List;

/**
 * A stream of random choices that is a pure function of two numbers: the seed and the stream's
 * index. Streams of neighbouring indices are independent, so documents can be made in any order and
 * in parallel.
 *
 * <p>The generator is SplitMix64 (64-bit counter, Stafford's variant 13 as the output function).
 *
 * @see <a href="https://doi.org/10.1145/2660193.2660195">Steele, Lea, Flood 2014, Fast splittable
 *     pseudorandom number generators</a>
 */
final class Dice {
  private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;

  private long state;

  Dice(long seed, long index) {
    this.state = mix(mix(seed + GOLDEN_GAMMA) + mix(index * GOLDEN_GAMMA + 1));
  }

  /** Uniform in 0 (inclusive) to {@code bound} (exclusive); {@code bound} is at least 1. */
  int below(int bound) {
    if (bound < 1) {
      throw new IllegalStateException("bound must be at least 1, found " + bound);
    }
    state += GOLDEN_GAMMA;
    // The upper 32 bits scaled to the bound: bias below bound / 2^32.
    return (int) (((mix(state) >>> 32) * bound) >>> 32);
  }

  /** Uniform in {@code low} to {@code high}, both inclusive. */
  int between(int low, int high) {
    return low + below(high - low + 1);
  }

  /** True in {@code percent} of 100 cases. */
  boolean chance(int percent) {
    return below(100) < percent;
  }

  <T> T pick(List<T> choices) {
    return choices.get(below(choices.size()));
  }

  /** A string of {@code length} random decimal digits. */
  String digits(int length) {
    var text = new StringBuilder(length);
    for (int i = 0; i < length; i++) {
      text.append((char) ('0' + below(10)));
    }
    return text.toString();
  }

  /** Brings {@code list} into random order, in place (Fisher and Yates). */
  void shuffle(List<?> list) {
    for (int i = list.size() - 1; i > 0; i--) {
      Collections.swap(list, i, below(i + 1));
    }
  }

  private static long mix(long value) {
    long z = (value ^ (value >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
