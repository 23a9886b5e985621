package dev.lorikeet.metric;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What holds for any text. */
class MetricPropertiesTest {
  private static final long SEED = 20260601;

  /**
   * Of everything that has surprised a text metric: halves of pairs, marks, other scripts, JSON.
   */
  private static final List<String> PIECES =
      List.of(
          " ",
          "\n",
          "\t",
          "\u00a0",
          "\u2028",
          "\u0000",
          "\ud83d",
          "\ude00",
          "\ud83d\ude00",
          "a",
          "A",
          "the",
          "\u0301",
          "\u0130",
          "\u00df",
          "\u6771",
          "\u0660",
          "1",
          "1,000",
          "-",
          "%",
          "\u00bd",
          "1/0",
          "e9",
          ".",
          "\\",
          "$1",
          "\"",
          "{",
          "}",
          "[",
          "]",
          "{\"a\":1}",
          ":",
          "```",
          "```\n",
          "&amp;",
          "<skipped>",
          "running",
          "ies",
          "y",
          "#### 5");

  @ParameterizedTest
  @ValueSource(
      strings = {
        "exact_match",
        "exact_match(normalize=squad)",
        "exact_match(ignore_case=true, ignore_punctuation=true, ignore_numbers=true)",
        "token_f1",
        "rouge_1",
        "rouge_2(stemmer=true)",
        "rouge_l(stemmer=true)",
        "rouge_lsum",
        "bleu",
        "chrf",
        "chrf++",
        "edit_similarity",
        "valid_json",
        "valid_json(place=first)",
        "valid_json(place=fenced)",
        "length",
        "exact_match(extract=\"(a)|b\", group_select=-2)"
      })
  void anyTextHasAScoreOfItsRange(String spec) {
    Metric metric = ReferenceCases.metric(spec);
    double most = spec.startsWith("bleu") || spec.startsWith("chrf") ? 100 : 1;
    Random random = new Random(SEED);
    for (int i = 0; i < 400; i++) {
      String answer = text(random);
      String expected = text(random);
      double score = ReferenceCases.score(metric, answer, expected);
      assertTrue(
          score >= 0 && (score <= most + 1e-9 || spec.equals("length")),
          spec + " gives " + score + " for <" + answer + "> and <" + expected + ">, seed " + SEED);
    }
  }

  @Test
  void theExpectedAnswerItselfIsBest() {
    Map<String, Double> best =
        Map.of(
            "exact_match", 1.0,
            "token_f1", 1.0,
            "rouge_1", 1.0,
            "rouge_2", 1.0,
            "rouge_l", 1.0,
            "rouge_lsum", 1.0,
            "bleu", 100.0,
            "chrf", 100.0,
            "chrf++", 100.0,
            "edit_similarity", 1.0);
    Random random = new Random(SEED);
    for (int i = 0; i < 100; i++) {
      String text = "two words at least " + text(random);
      best.forEach((name, score) ->
          assertEquals(
              score, ReferenceCases.score(ReferenceCases.metric(name), text, text), 1e-9, text));
    }
  }

  @Test
  void editDistanceIsThatOfTheWholeTable() {
    Random random = new Random(SEED);
    for (int i = 0; i < 300; i++) {
      int[] one = text(random).codePoints().toArray();
      int[] other = text(random).codePoints().toArray();
      assertEquals(table(one, other), Levenshtein.distance(one, other));
      assertEquals(table(one, other), Levenshtein.distance(other, one));
    }
  }

  /** The plain definition, with all of its table. */
  private static int table(int[] one, int[] other) {
    int[][] table = new int[one.length + 1][other.length + 1];
    for (int i = 0; i <= one.length; i++) {
      for (int j = 0; j <= other.length; j++) {
        if (i == 0 || j == 0) {
          table[i][j] = i + j;
        } else {
          int change = one[i - 1] == other[j - 1] ? 0 : 1;
          table[i][j] =
              Math.min(
                  table[i - 1][j - 1] + change, Math.min(table[i - 1][j], table[i][j - 1]) + 1);
        }
      }
    }
    return table[one.length][other.length];
  }

  private static String text(Random random) {
    StringBuilder text = new StringBuilder();
    for (int i = random.nextInt(14); i > 0; i--) {
      text.append(PIECES.get(random.nextInt(PIECES.size())));
    }
    return text.toString();
  }
}
