package dev.lorikeet.metric;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * chrF and chrF++ as sacreBLEU computes them, 0 to 100: F2 of the mean precision and mean recall of
 * character 1- to 6-grams without white space, for chrF++ with word 1- and 2-grams too. Orders that
 * a side is too short for are left out of the means. The score of a file is that of its summed
 * counts; of several expected answers the one that scores best counts.
 *
 * @see <a href="https://aclanthology.org/W15-3049/">Popović 2015</a> (chrF), <a
 *     href="https://aclanthology.org/W17-4770/">2017</a> (chrF++)
 * @see <a href="https://aclanthology.org/W18-6319/">Post 2018</a>, sacreBLEU
 */
final class Chrf implements Metric {
  private static final int CHARACTER_ORDERS = 6;
  private static final int WORD_ORDERS = 2;
  private static final double BETA_SQUARED = 4;

  /** What n-grams are taken of. */
  enum Grams {
    CHARACTERS,
    CHARACTERS_AND_WORDS
  }

  private final Grams grams;
  private final List<String> parts;

  Chrf(Grams grams) {
    this.grams = grams;
    List<String> names = new ArrayList<>();
    for (int n = 1; n <= CHARACTER_ORDERS; n++) {
      names.addAll(List.of("answer_c" + n, "expected_c" + n, "match_c" + n));
    }
    for (int n = 1; grams == Grams.CHARACTERS_AND_WORDS && n <= WORD_ORDERS; n++) {
      names.addAll(List.of("answer_w" + n, "expected_w" + n, "match_w" + n));
    }
    this.parts = List.copyOf(names);
  }

  @Override
  public String name() {
    return grams == Grams.CHARACTERS ? "chrf" : "chrf++";
  }

  @Override
  public Aggregation aggregation() {
    return new Aggregation.OfSums(parts, Chrf::fScore);
  }

  @Override
  public ItemScore score(Item item) {
    double[] best = new double[parts.size()];
    double bestScore = -1;
    for (String reference : item.references()) {
      double[] counts = counts(item.generation(), reference);
      double score = fScore(counts);
      if (score > bestScore) {
        bestScore = score;
        best = counts;
      }
    }
    Map<String, Double> named = new LinkedHashMap<>();
    for (int i = 0; i < best.length; i++) {
      named.put(parts.get(i), best[i]);
    }
    return new ItemScore(Math.max(0, bestScore), named);
  }

  private double[] counts(String answer, String expected) {
    double[] counts = new double[parts.size()];
    int at = 0;
    List<Integer> some = characters(answer);
    List<Integer> others = characters(expected);
    for (int n = 1; n <= CHARACTER_ORDERS; n++) {
      at = add(counts, at, Ngrams.count(some, n), Ngrams.count(others, n));
    }
    List<String> someWords = words(answer);
    List<String> otherWords = words(expected);
    for (int n = 1; at < counts.length; n++) {
      at = add(counts, at, Ngrams.count(someWords, n), Ngrams.count(otherWords, n));
    }
    return counts;
  }

  /** An answer's n-grams do not count where the expected text is too short to have any. */
  private static <T> int add(
      double[] counts, int at, Map<List<T>, Integer> some, Map<List<T>, Integer> others) {
    counts[at] = others.isEmpty() ? 0 : Ngrams.total(some);
    counts[at + 1] = Ngrams.total(others);
    counts[at + 2] = Ngrams.shared(some, others);
    return at + 3;
  }

  private static List<Integer> characters(String text) {
    return text.codePoints().filter(c -> !PythonText.isSpace(c)).boxed().toList();
  }

  /** Words, with one punctuation mark at the end, else at the beginning, as a word of its own. */
  private static List<String> words(String text) {
    List<String> words = new ArrayList<>();
    for (String word : PythonText.split(text)) {
      int last = word.length() - 1;
      if (word.codePointCount(0, word.length()) == 1) {
        words.add(word);
      } else if (PythonText.PUNCTUATION.indexOf(word.charAt(last)) >= 0) {
        words.add(word.substring(0, last));
        words.add(word.substring(last));
      } else if (PythonText.PUNCTUATION.indexOf(word.charAt(0)) >= 0) {
        words.add(word.substring(0, 1));
        words.add(word.substring(1));
      } else {
        words.add(word);
      }
    }
    return words;
  }

  private static double fScore(double[] counts) {
    double precision = 0;
    double recall = 0;
    int orders = 0;
    for (int at = 0; at < counts.length; at += 3) {
      if (counts[at] > 0 && counts[at + 1] > 0) {
        precision += counts[at + 2] / counts[at];
        recall += counts[at + 2] / counts[at + 1];
        orders++;
      }
    }
    if (precision + recall == 0) {
      return 0;
    }
    precision /= orders;
    recall /= orders;
    return 100 * (1 + BETA_SQUARED) * precision * recall / (BETA_SQUARED * precision + recall);
  }
}
