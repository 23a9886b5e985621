package dev.lorikeet.nano;

import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * How much of two messages is the same: the Jaccard similarity |A ∩ B| / |A ∪ B| of their sets of
 * word 3-grams, in lower case, with every digit written as 0 so that another order number does not
 * make another message.
 *
 * @param threeGrams the 3-grams of one message
 */
public record MessageOverlap(Set<List<String>> threeGrams) {
  private static final int LENGTH = 3;

  /** Keeps a copy of the set. */
  public MessageOverlap {
    threeGrams = Set.copyOf(threeGrams);
  }

  /** The 3-grams of {@code message}. */
  public static MessageOverlap of(String message) {
    List<String> words =
        List.of(
            message
                .toLowerCase(Locale.ROOT)
                .replaceAll("\\d", "0")
                .strip()
                .split("[^\\p{L}\\p{N}]+"));
    var grams = new HashSet<List<String>>();
    for (int i = 0; i + LENGTH <= words.size(); i++) {
      grams.add(List.copyOf(words.subList(i, i + LENGTH)));
    }
    return new MessageOverlap(grams);
  }

  /** The similarity with {@code other}: 0 nothing in common, 1 the same 3-grams. */
  public double with(MessageOverlap other) {
    long common = threeGrams.stream().filter(other.threeGrams::contains).count();
    long all = threeGrams.size() + (long) other.threeGrams.size() - common;
    return all == 0 ? 1.0 : (double) common / all;
  }
}
