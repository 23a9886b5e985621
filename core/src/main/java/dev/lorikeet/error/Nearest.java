package dev.lorikeet.error;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/** Finds what somebody meant who wrote a name that does not exist. */
public final class Nearest {
  private Nearest() {}

  /** The {@code most} names with the least edit distance from {@code unknown}, nearest first. */
  public static List<String> names(String unknown, Collection<String> names, int most) {
    return names.stream()
        .sorted(Comparator.comparingInt(name -> Spelling.distance(name, unknown)))
        .limit(most)
        .toList();
  }
}
