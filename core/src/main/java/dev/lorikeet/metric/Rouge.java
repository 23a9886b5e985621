package dev.lorikeet.metric;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * ROUGE as the Python package {@code rouge_score} computes it, 0 to 1: F1 of what answer and
 * expected answer share; the best of several expected answers.
 *
 * <p>Tokens are runs of a–z and 0–9 in lower case; with a stemmer those of more than three letters
 * are stemmed. {@code rouge_1} and {@code rouge_2} share n-grams; {@code rouge_l} the longest
 * common subsequence of all tokens; {@code rouge_lsum}, for each expected line, the union of its
 * longest common subsequences with all lines of the answer, no token counted more often than it
 * occurs.
 *
 * @see <a href="https://aclanthology.org/W04-1013/">Lin 2004</a>, sections 2, 3.1 and 3.2
 */
final class Rouge implements Metric {

  /** What is shared. */
  enum Kind {
    UNIGRAMS("rouge_1"),
    BIGRAMS("rouge_2"),
    SUBSEQUENCE("rouge_l"),
    LINES("rouge_lsum");

    private final String metric;

    Kind(String metric) {
      this.metric = metric;
    }
  }

  /** What is done to words. */
  enum Words {
    AS_THEY_ARE,
    STEMMED
  }

  private final Kind kind;
  private final Words words;

  Rouge(Kind kind, Words words) {
    this.kind = kind;
    this.words = words;
  }

  @Override
  public String name() {
    return kind.metric;
  }

  @Override
  public ItemScore score(Item item) {
    return ItemScore.of(
        item.references().stream()
            .mapToDouble(expected -> f1(expected, item.generation()))
            .max()
            .orElse(0));
  }

  private double f1(String expected, String answer) {
    return switch (kind) {
      case UNIGRAMS -> ngrams(tokens(expected), tokens(answer), 1);
      case BIGRAMS -> ngrams(tokens(expected), tokens(answer), 2);
      case SUBSEQUENCE -> subsequence(tokens(expected), tokens(answer));
      case LINES -> lines(lines(expected), lines(answer));
    };
  }

  private static double ngrams(List<String> expected, List<String> answer, int n) {
    Map<List<String>, Integer> counts = Ngrams.count(expected, n);
    Map<List<String>, Integer> found = Ngrams.count(answer, n);
    return f1(Ngrams.shared(counts, found), Ngrams.total(counts), Ngrams.total(found));
  }

  /** The length of the subsequence alone needs one row of the table. */
  private static double subsequence(List<String> expected, List<String> answer) {
    int[] row = new int[answer.size() + 1];
    for (String token : expected) {
      int diagonal = 0;
      for (int j = 1; j < row.length; j++) {
        int above = row[j];
        row[j] = token.equals(answer.get(j - 1)) ? diagonal + 1 : Math.max(above, row[j - 1]);
        diagonal = above;
      }
    }
    return f1(row[row.length - 1], expected.size(), answer.size());
  }

  private static double lines(List<List<String>> expected, List<List<String>> answer) {
    Map<String, Integer> leftExpected = new HashMap<>();
    expected.forEach(line -> line.forEach(token -> leftExpected.merge(token, 1, Integer::sum)));
    Map<String, Integer> leftAnswer = new HashMap<>();
    answer.forEach(line -> line.forEach(token -> leftAnswer.merge(token, 1, Integer::sum)));
    int hits = 0;
    for (List<String> line : expected) {
      BitSet union = new BitSet();
      answer.forEach(other -> addSubsequence(union, line, other));
      for (int i = union.nextSetBit(0); i >= 0; i = union.nextSetBit(i + 1)) {
        String token = line.get(i);
        if (leftExpected.getOrDefault(token, 0) > 0 && leftAnswer.getOrDefault(token, 0) > 0) {
          hits++;
          leftExpected.merge(token, -1, Integer::sum);
          leftAnswer.merge(token, -1, Integer::sum);
        }
      }
    }
    return f1(
        hits,
        expected.stream().mapToInt(List::size).sum(),
        answer.stream().mapToInt(List::size).sum());
  }

  /**
   * Marks one longest common subsequence in {@code line}. Which one, where there are several,
   * changes the union: the table is walked from its end, to the left where that is longer.
   */
  private static void addSubsequence(BitSet marked, List<String> line, List<String> other) {
    int[][] table = new int[line.size() + 1][other.size() + 1];
    for (int i = 1; i <= line.size(); i++) {
      for (int j = 1; j <= other.size(); j++) {
        table[i][j] =
            line.get(i - 1).equals(other.get(j - 1))
                ? table[i - 1][j - 1] + 1
                : Math.max(table[i - 1][j], table[i][j - 1]);
      }
    }
    int i = line.size();
    int j = other.size();
    while (i > 0 && j > 0) {
      if (line.get(i - 1).equals(other.get(j - 1))) {
        i--;
        j--;
        marked.set(i);
      } else if (table[i][j - 1] > table[i - 1][j]) {
        j--;
      } else {
        i--;
      }
    }
  }

  private static double f1(double shared, int expected, int answer) {
    if (shared == 0) {
      return 0;
    }
    double precision = shared / answer;
    double recall = shared / expected;
    return 2 * precision * recall / (precision + recall);
  }

  private List<List<String>> lines(String text) {
    List<List<String>> lines = new ArrayList<>();
    for (String line : text.split("\n", -1)) {
      if (!line.isEmpty()) {
        lines.add(tokens(line));
      }
    }
    return lines;
  }

  private List<String> tokens(String text) {
    List<String> tokens = new ArrayList<>();
    for (String token : text.toLowerCase(Locale.ROOT).split("[^a-z0-9]+", -1)) {
      if (!token.isEmpty()) {
        boolean stem = words == Words.STEMMED && token.length() > 3;
        tokens.add(stem ? PorterStemmer.stem(token) : token);
      }
    }
    return tokens;
  }
}
