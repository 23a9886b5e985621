package dev.lorikeet.task;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * CPython's {@code random.Random} of a whole number: MT19937 (Matsumoto and Nishimura 1998), seeded
 * through an array, and the draws that the standard library makes of it since Python 3.2.
 *
 * @see <a href="https://github.com/python/cpython/blob/3.11/Lib/random.py">random.py</a>
 */
final class PythonRandom {
  private static final int SIZE = 624;
  private static final int SHIFT = 397;

  private final int[] state = new int[SIZE];
  private int next = SIZE;

  /**
   * The generator that {@code random.Random(seed)} makes.
   *
   * @param seed 0 to 2³² − 1
   */
  PythonRandom(long seed) {
    if (seed < 0 || seed > 0xFFFFFFFFL) {
      throw new IllegalArgumentException("seed must be 0 to 2^32 - 1, found " + seed);
    }
    seedByNumber(19650218);
    seedByArray((int) seed);
  }

  private void seedByNumber(int seed) {
    state[0] = seed;
    for (int i = 1; i < SIZE; i++) {
      state[i] = 1812433253 * (state[i - 1] ^ (state[i - 1] >>> 30)) + i;
    }
  }

  /** {@code init_by_array} with an array of one number. */
  private void seedByArray(int key) {
    int i = 1;
    for (int k = SIZE; k > 0; k--) {
      state[i] = (state[i] ^ ((state[i - 1] ^ (state[i - 1] >>> 30)) * 1664525)) + key;
      i = following(i);
    }
    for (int k = SIZE - 1; k > 0; k--) {
      state[i] = (state[i] ^ ((state[i - 1] ^ (state[i - 1] >>> 30)) * 1566083941)) - i;
      i = following(i);
    }
    state[0] = 0x80000000;
  }

  private int following(int i) {
    if (i + 1 < SIZE) {
      return i + 1;
    }
    state[0] = state[SIZE - 1];
    return 1;
  }

  /** The next 32 bits. */
  int nextInt() {
    if (next == SIZE) {
      refill();
    }
    int y = state[next++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return y ^ (y >>> 18);
  }

  private void refill() {
    for (int i = 0; i < SIZE; i++) {
      int y = (state[i] & 0x80000000) | (state[(i + 1) % SIZE] & 0x7fffffff);
      state[i] = state[(i + SHIFT) % SIZE] ^ (y >>> 1) ^ ((y & 1) == 0 ? 0 : 0x9908b0df);
    }
    next = 0;
  }

  /** {@code randrange(bound)}: 0 to bound − 1; bound at least 1. */
  int below(int bound) {
    int bits = Integer.SIZE - Integer.numberOfLeadingZeros(bound);
    int drawn = nextInt() >>> (Integer.SIZE - bits);
    while (drawn >= bound) {
      drawn = nextInt() >>> (Integer.SIZE - bits);
    }
    return drawn;
  }

  /**
   * {@code sample(population, count)}: distinct members in the order of their drawing.
   *
   * @throws IllegalArgumentException if the population is smaller than count
   */
  <T> List<T> sample(List<T> population, int count) {
    int size = population.size();
    if (count < 0 || count > size) {
      throw new IllegalArgumentException("cannot draw " + count + " of " + size);
    }
    return size <= largestCopied(count)
        ? sampleByMoving(population, count)
        : sampleByRemembering(population, count);
  }

  /** Up to this size the library copies the population; beyond it remembers what it has drawn. */
  private static long largestCopied(int count) {
    return count <= 5 ? 21 : 21 + powerOfFourFrom(3L * count);
  }

  /** 4^⌈log₄ number⌉. */
  private static long powerOfFourFrom(long number) {
    long power = 1;
    while (power < number) {
      power *= 4;
    }
    return power;
  }

  private <T> List<T> sampleByMoving(List<T> population, int count) {
    List<T> pool = new ArrayList<>(population);
    List<T> drawn = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      int last = pool.size() - i - 1;
      int at = below(last + 1);
      drawn.add(pool.get(at));
      pool.set(at, pool.get(last));
    }
    return drawn;
  }

  private <T> List<T> sampleByRemembering(List<T> population, int count) {
    Set<Integer> taken = new HashSet<>();
    List<T> drawn = new ArrayList<>(count);
    while (drawn.size() < count) {
      int at = below(population.size());
      if (taken.add(at)) {
        drawn.add(population.get(at));
      }
    }
    return drawn;
  }

  /** {@code shuffle(list)}, in place. */
  void shuffle(List<?> list) {
    for (int i = list.size() - 1; i > 0; i--) {
      Collections.swap(list, i, below(i + 1));
    }
  }
}
