package dev.lorikeet.task;

import java.util.List;

/** One thing that a task asks of a model. Texts are final: delimiters and examples are in them. */
public sealed interface Request {
  /**
   * Σ log p of the tokens of {@code continuation} behind {@code context}, and whether each of them
   * is the most likely one. Requests of one item share the same context object where contexts are
   * equal.
   *
   * @param context text before; empty stands for the model's prefix token alone
   * @param continuation text that is scored, with its leading space
   */
  record LogLikelihood(String context, String continuation) implements Request {}

  /** Σ log p of all tokens of {@code text}, the first of them behind the model's prefix token. */
  record Rolling(String text) implements Request {}

  /**
   * Greedy generation behind {@code context}.
   *
   * @param stops texts before which the output ends; they are not part of it
   * @param maxTokens most tokens to generate, at least 1
   */
  record Generation(String context, List<String> stops, int maxTokens) implements Request {
    public Generation {
      stops = List.copyOf(stops);
      if (maxTokens < 1) {
        throw new IllegalArgumentException("maxTokens must be at least 1, found " + maxTokens);
      }
    }
  }
}
