package dev.lorikeet.error;

import java.util.Arrays;
import java.util.Collection;
import java.util.Locale;
import java.util.Optional;

/** What somebody who mistyped a name meant. */
public final class Spelling {
  private Spelling() {}

  /**
   * The candidate nearest to {@code name}, if any is near: capitals aside, at most two mistakes or
   * a third of its letters.
   */
  public static Optional<String> nearest(String name, Collection<String> candidates) {
    Optional<String> nearest = Optional.empty();
    int best = Math.max(2, name.length() / 3) + 1;
    for (String candidate : candidates) {
      int distance =
          distance(candidate.toLowerCase(Locale.ROOT).strip(), name.toLowerCase(Locale.ROOT));
      if (distance < best && distance < name.length() && distance < candidate.length()) {
        best = distance;
        nearest = Optional.of(candidate);
      }
    }
    return nearest;
  }

  /** Edit distance with swaps of neighbours (optimal string alignment). */
  public static int distance(String a, String b) {
    int[] beforeLast = new int[b.length() + 1];
    int[] last = new int[b.length() + 1];
    Arrays.setAll(last, i -> i);
    for (int i = 1; i <= a.length(); i++) {
      int[] row = new int[b.length() + 1];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int change = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
        row[j] = Math.min(Math.min(row[j - 1], last[j]) + 1, last[j - 1] + change);
        if (i > 1
            && j > 1
            && a.charAt(i - 1) == b.charAt(j - 2)
            && a.charAt(i - 2) == b.charAt(j - 1)) {
          row[j] = Math.min(row[j], beforeLast[j - 2] + 1);
        }
      }
      beforeLast = last;
      last = row;
    }
    return last[b.length()];
  }
}
