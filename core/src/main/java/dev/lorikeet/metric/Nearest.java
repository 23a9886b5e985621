package dev.lorikeet.metric;

import java.util.Collection;
import java.util.Locale;

/** Finds what a misspelled name most likely meant. */
final class Nearest {
  private Nearest() {}

  /** "did you mean …?" where a name is near, else {@code otherwise} and all names. */
  static String suggestion(
      String unknown, Collection<String> names, String otherwise, String none) {
    String plain = plain(unknown);
    String nearest = "";
    int best = Integer.MAX_VALUE;
    for (String name : names) {
      int distance = Levenshtein.distance(plain, plain(name));
      if (distance < best) {
        best = distance;
        nearest = name;
      }
    }
    if (best <= Math.max(2, plain.length() / 3) && best < plain.length()) {
      return "did you mean " + nearest + "?";
    }
    return names.isEmpty() ? none : otherwise + String.join(", ", names);
  }

  private static String plain(String name) {
    return name.toLowerCase(Locale.ROOT).replaceAll("[_ -]", "");
  }
}
