package dev.lorikeet.metric;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/**
 * A question and what a model made of it.
 *
 * @param id names the item in its file, the same in every run
 * @param prompt text that the model was given
 * @param references expected answers, any of which is right; may be empty for metrics without need
 * @param group items of one group are alike (questions about one text); empty where each stands
 *     alone
 * @param answer what the model gave
 */
public record Item(
    String id, String prompt, List<String> references, Optional<String> group, Answer answer) {

  public Item {
    references = List.copyOf(references);
  }

  /**
   * What a model gave; only what the metrics need.
   *
   * @param generation text that the model wrote
   * @param likelihood of the first expected answer
   * @param choices log-probabilities of given choices
   */
  public record Answer(
      Optional<String> generation,
      Optional<Likelihood> likelihood,
      Optional<ChoiceScores> choices) {}

  /** A prompt with a written answer, for metrics of text. */
  public static Item written(String id, String prompt, String generation, List<String> references) {
    return new Item(
        id,
        prompt,
        references,
        Optional.empty(),
        new Answer(Optional.of(generation), Optional.empty(), Optional.empty()));
  }

  /** An item of which only the expected answer's likelihood is known. */
  public static Item likely(String id, Likelihood likelihood) {
    return new Item(
        id,
        "",
        List.of(),
        Optional.empty(),
        new Answer(Optional.empty(), Optional.of(likelihood), Optional.empty()));
  }

  /** An item whose choices were scored. */
  public static Item chosen(String id, ChoiceScores choices) {
    return new Item(
        id,
        "",
        List.of(),
        Optional.empty(),
        new Answer(Optional.empty(), Optional.empty(), Optional.of(choices)));
  }

  /** The same item as a member of {@code name}. */
  public Item inGroup(String name) {
    return new Item(id, prompt, references, Optional.of(name), answer);
  }

  /** The text that the model wrote. */
  public String generation() {
    return answer.generation.orElseThrow(() -> missing(Need.GENERATION));
  }

  /** The likelihood of the first expected answer. */
  public Likelihood likelihood() {
    return answer.likelihood.orElseThrow(() -> missing(Need.LIKELIHOOD));
  }

  /** The scored choices. */
  public ChoiceScores choices() {
    return answer.choices.orElseThrow(() -> missing(Need.CHOICES));
  }

  private IllegalStateException missing(Need need) {
    return new IllegalStateException(
        "item " + id + " was evaluated without " + need + ", which its metric needs");
  }

  /**
   * Log-probability of a text after a prompt.
   *
   * @param logProbability natural logarithm, at most 0 but for rounding; -∞ allowed
   * @param tokens its tokens, at least 1
   * @param bytes its length in UTF-8, at least 1
   */
  public record Likelihood(double logProbability, int tokens, int bytes) {
    public Likelihood {
      if (Double.isNaN(logProbability) || tokens < 1 || bytes < 1) {
        throw new IllegalStateException(
            "log-probability " + logProbability + " of " + tokens + " tokens, " + bytes + " bytes");
      }
    }

    /**
     * The likelihood of {@code text}, which must not be empty.
     *
     * @param tokens natural logarithm of each token's probability; added up in double precision
     */
    public static Likelihood of(float[] tokens, String text) {
      double sum = 0;
      for (float token : tokens) {
        sum += token;
      }
      return new Likelihood(sum, tokens.length, text.getBytes(StandardCharsets.UTF_8).length);
    }
  }

  /**
   * A choice and its log-probability.
   *
   * @param text without the delimiter before it
   * @param logProbability natural logarithm, summed over its tokens
   * @param tokens its tokens, at least 1
   */
  public record Choice(String text, double logProbability, int tokens) {}

  /**
   * Choices, at least one, and which are right.
   *
   * @param gold positions of the right ones, from 0; at least one
   */
  public record ChoiceScores(List<Choice> choices, List<Integer> gold) {
    public ChoiceScores {
      choices = List.copyOf(choices);
      gold = List.copyOf(gold);
      for (int right : gold) {
        if (right < 0 || right >= choices.size()) {
          throw new IllegalStateException("choice " + right + " of " + choices.size());
        }
      }
      if (gold.isEmpty()) {
        throw new IllegalStateException("no choice is right");
      }
    }
  }
}
