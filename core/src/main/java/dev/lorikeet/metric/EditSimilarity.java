package dev.lorikeet.metric;

/**
 * 1 − edit distance / length of the longer text, in Unicode characters; 1 for two empty texts; the
 * best of several expected answers.
 *
 * @see <a href="https://doi.org/10.1145/321796.321811">Wagner, Fischer 1974</a>; the same number as
 *     RapidFuzz' {@code Levenshtein.normalized_similarity}
 */
final class EditSimilarity implements Metric {

  @Override
  public String name() {
    return "edit_similarity";
  }

  @Override
  public ItemScore score(Item item) {
    return ItemScore.of(
        item.references().stream()
            .mapToDouble(expected -> similarity(item.generation(), expected))
            .max()
            .orElse(0));
  }

  private static double similarity(String answer, String expected) {
    int[] some = answer.codePoints().toArray();
    int[] others = expected.codePoints().toArray();
    int longest = Math.max(some.length, others.length);
    return longest == 0 ? 1 : 1 - (double) Levenshtein.distance(some, others) / longest;
  }
}
