package dev.lorikeet.metric;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * BLEU as sacreBLEU computes it, 0 to 100: geometric mean of the precisions of 1- to 4-grams times
 * a penalty for being shorter than the expected answer; tokens as {@link Tokenizer13a}.
 *
 * <p>The score of a file is that of its summed counts, not a mean. A precision of 0 counts as
 * 100/(2ᵏ·total) for the k-th such one (smoothing {@code exp}). An item's own score leaves out
 * orders that it is too short for (sacreBLEU's {@code effective_order}). N-grams may match in any
 * expected answer; the length compared with is the nearest one, the shorter of two.
 *
 * @see <a href="https://aclanthology.org/P02-1040/">Papineni et al. 2002</a>
 * @see <a href="https://aclanthology.org/W18-6319/">Post 2018</a>, sacreBLEU, signature {@code
 *     nrefs:var|case:mixed|eff:no|tok:13a|smooth:exp}
 */
final class Bleu implements Metric {
  private static final int ORDERS = 4;
  private static final int CORRECT = 2;
  private static final int TOTAL = CORRECT + ORDERS;
  private static final List<String> PARTS =
      List.of(
          "length",
          "reference_length",
          "correct1",
          "correct2",
          "correct3",
          "correct4",
          "total1",
          "total2",
          "total3",
          "total4");

  /** Whether capitals matter. */
  enum Case {
    MIXED,
    LOWER
  }

  private enum Orders {
    ALL,
    EFFECTIVE
  }

  private final Case letters;

  Bleu(Case letters) {
    this.letters = letters;
  }

  @Override
  public String name() {
    return "bleu";
  }

  @Override
  public Aggregation aggregation() {
    return new Aggregation.OfSums(PARTS, counts -> bleu(counts, Orders.ALL));
  }

  @Override
  public ItemScore score(Item item) {
    double[] counts = counts(item);
    Map<String, Double> parts = new LinkedHashMap<>();
    for (int i = 0; i < counts.length; i++) {
      parts.put(PARTS.get(i), counts[i]);
    }
    return new ItemScore(bleu(counts, Orders.EFFECTIVE), parts);
  }

  private double[] counts(Item item) {
    List<String> answer = tokens(item.generation());
    List<List<String>> references = new ArrayList<>();
    item.references().forEach(text -> references.add(tokens(text)));
    double[] counts = new double[PARTS.size()];
    counts[0] = answer.size();
    counts[1] = nearestLength(answer.size(), references);
    for (int n = 1; n <= ORDERS; n++) {
      Map<List<String>, Integer> allowed = new HashMap<>();
      for (List<String> reference : references) {
        Ngrams.count(reference, n).forEach((gram, count) -> allowed.merge(gram, count, Math::max));
      }
      Map<List<String>, Integer> found = Ngrams.count(answer, n);
      counts[CORRECT + n - 1] = Ngrams.shared(found, allowed);
      counts[TOTAL + n - 1] = Ngrams.total(found);
    }
    return counts;
  }

  private List<String> tokens(String text) {
    return Tokenizer13a.tokens(letters == Case.LOWER ? text.toLowerCase(Locale.ROOT) : text);
  }

  private static int nearestLength(int length, List<List<String>> references) {
    int nearest = references.getFirst().size();
    for (List<String> reference : references) {
      int farther = Math.abs(length - nearest) - Math.abs(length - reference.size());
      if (farther > 0 || (farther == 0 && reference.size() < nearest)) {
        nearest = reference.size();
      }
    }
    return nearest;
  }

  private static double bleu(double[] counts, Orders orders) {
    double logs = 0;
    double smoothing = 1;
    int used = 0;
    boolean anyCorrect = false;
    for (int n = 0; n < ORDERS && counts[TOTAL + n] > 0; n++) {
      double correct = counts[CORRECT + n];
      anyCorrect |= correct > 0;
      if (correct == 0) {
        smoothing *= 2;
      }
      logs += StrictMath.log(100 * (correct == 0 ? 1 / smoothing : correct) / counts[TOTAL + n]);
      used++;
    }
    if (!anyCorrect || (orders == Orders.ALL && used < ORDERS)) {
      return 0;
    }
    double penalty = counts[0] < counts[1] ? StrictMath.exp(1 - counts[1] / counts[0]) : 1;
    return penalty * StrictMath.exp(logs / used);
  }
}
