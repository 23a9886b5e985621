package dev.lorikeet.metric;

import java.util.List;
import java.util.Map;

/**
 * F1 of the words that answer and expected answer share, as bags, in SQuAD's normal form; the best
 * of several expected answers. Where one of both has no words it is 1 if the other has none either.
 *
 * @see <a href="https://arxiv.org/abs/1606.05250">Rajpurkar et al. 2016, SQuAD</a> and its
 *     evaluation script 2.0
 */
final class TokenF1 implements Metric {

  @Override
  public String name() {
    return "token_f1";
  }

  @Override
  public ItemScore score(Item item) {
    List<String> answer = words(item.generation());
    return ItemScore.of(
        item.references().stream().mapToDouble(text -> f1(answer, words(text))).max().orElse(0));
  }

  private static List<String> words(String text) {
    return PythonText.split(SquadText.normalized(text));
  }

  private static double f1(List<String> answer, List<String> expected) {
    if (answer.isEmpty() || expected.isEmpty()) {
      return answer.equals(expected) ? 1 : 0;
    }
    Map<List<String>, Integer> counts = Ngrams.count(answer, 1);
    double same = Ngrams.shared(counts, Ngrams.count(expected, 1));
    if (same == 0) {
      return 0;
    }
    double precision = same / answer.size();
    double recall = same / expected.size();
    return 2 * precision * recall / (precision + recall);
  }
}
