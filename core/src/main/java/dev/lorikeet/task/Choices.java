package dev.lorikeet.task;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Multiple choice: requests of a question's choices, and what their log-probabilities say. */
final class Choices {
  private Choices() {}

  /**
   * A question whose choices are scored behind it, each after one space.
   *
   * @param content what makes two documents the same
   * @param choices at least one
   * @param gold index of the right choice
   */
  static Doc doc(Object content, String question, List<String> choices, int gold) {
    List<String> kept = List.copyOf(choices);
    return new Doc(
        content,
        question + " " + kept.get(gold) + "\n\n",
        (id, preamble) ->
            new Item(
                id,
                requests(preamble + question, kept),
                kept.get(gold),
                answers -> accuracies(logProbabilities(answers), kept, gold)));
  }

  /** One request for each choice, all behind the same context. */
  static List<Request> requests(String context, List<String> choices) {
    List<Request> requests = new ArrayList<>(choices.size());
    for (String choice : choices) {
      requests.add(new Request.LogLikelihood(context, " " + choice));
    }
    return requests;
  }

  /** The sums in the order of the choices. */
  static double[] logProbabilities(List<Answer> answers) {
    return answers.stream().mapToDouble(answer -> scored(answer).logProbability()).toArray();
  }

  /** The answer to a {@link Request.LogLikelihood}. */
  static Answer.Scored scored(Answer answer) {
    if (answer instanceof Answer.Scored scored) {
      return scored;
    }
    throw new IllegalArgumentException("expected a log-likelihood, found " + answer);
  }

  /** acc, and acc_norm by the code points of a choice without its space. */
  static Map<String, MetricValue> accuracies(double[] sums, List<String> choices, int gold) {
    double[] perCharacter = new double[sums.length];
    for (int i = 0; i < sums.length; i++) {
      String choice = choices.get(i);
      perCharacter[i] = sums[i] / choice.codePointCount(0, choice.length());
    }
    Map<String, MetricValue> values = new LinkedHashMap<>();
    values.put("acc", MetricValue.of(first(sums) == gold));
    values.put("acc_norm", MetricValue.of(first(perCharacter) == gold));
    return values;
  }

  /** Index of the largest value, the first of equals; a NaN counts as largest, as in NumPy. */
  static int first(double[] values) {
    int best = 0;
    for (int i = 0; i < values.length; i++) {
      if (Double.isNaN(values[i])) {
        return i;
      }
      if (values[i] > values[best]) {
        best = i;
      }
    }
    return best;
  }
}
