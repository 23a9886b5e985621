package dev.lorikeet.metric;

/**
 * Edit distance: the fewest insertions, deletions and replacements of Unicode characters that turn
 * one text into another. Memory is linear in the shorter text; time is the product of both lengths
 * without the beginning and end that they share.
 *
 * @see <a href="https://doi.org/10.1145/321796.321811">Wagner, Fischer 1974</a>
 */
final class Levenshtein {
  private Levenshtein() {}

  static int distance(String first, String second) {
    return distance(first.codePoints().toArray(), second.codePoints().toArray());
  }

  static int distance(int[] first, int[] second) {
    int[] longer = first.length >= second.length ? first : second;
    int[] shorter = first.length >= second.length ? second : first;
    int start = 0;
    while (start < shorter.length && shorter[start] == longer[start]) {
      start++;
    }
    int end = 0;
    while (end < shorter.length - start
        && shorter[shorter.length - 1 - end] == longer[longer.length - 1 - end]) {
      end++;
    }
    return middle(longer, longer.length - end, shorter, shorter.length - end, start);
  }

  private static int middle(int[] longer, int longEnd, int[] shorter, int shortEnd, int start) {
    int width = shortEnd - start;
    int[] row = new int[width + 1];
    for (int j = 0; j <= width; j++) {
      row[j] = j;
    }
    for (int i = start; i < longEnd; i++) {
      int diagonal = row[0];
      row[0]++;
      for (int j = 1; j <= width; j++) {
        int replaced = diagonal + (longer[i] == shorter[start + j - 1] ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(replaced, Math.min(row[j], row[j - 1]) + 1);
      }
    }
    return row[width];
  }
}
