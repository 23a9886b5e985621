package dev.lorikeet.stat;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * A seeded draw of some items of a set, without replacement; every set of that size is as likely.
 *
 * @param population items of the whole set
 * @param size items drawn, at most as many
 */
public record Subsample(int population, int size, long seed) {

  public Subsample {
    if (size < 0 || size > population) {
      throw new IllegalStateException("a sample of " + size + " of " + population + " items");
    }
  }

  /** Positions of the drawn items, rising. */
  public int[] indices() {
    int[] all = IntStream.range(0, population).toArray();
    long state = Bootstrap.mix(seed);
    for (int i = 0; i < size; i++) {
      state += 0x9E3779B97F4A7C15L;
      int other = i + Bootstrap.below(Bootstrap.mix(state), population - i);
      int kept = all[i];
      all[i] = all[other];
      all[other] = kept;
    }
    int[] drawn = Arrays.copyOf(all, size);
    Arrays.sort(drawn);
    return drawn;
  }
}
