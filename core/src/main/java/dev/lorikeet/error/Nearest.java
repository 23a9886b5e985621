package dev.lorikeet.error;

import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/** Finds what somebody meant who wrote a name that does not exist. */
public final class Nearest {
  private Nearest() {}

  /** The {@code most} names with the least edit distance from {@code unknown}, nearest first. */
  public static List<String> names(String unknown, Collection<String> names, int most) {
    return names.stream()
        .sorted(Comparator.comparingInt(name -> distance(name, unknown)))
        .limit(most)
        .toList();
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
