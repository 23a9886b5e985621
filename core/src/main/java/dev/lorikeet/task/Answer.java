package dev.lorikeet.task;

/** What a model says to a {@link Request}. */
public sealed interface Answer {
  /**
   * To {@link Request.LogLikelihood}.
   *
   * @param logProbability sum over the continuation's tokens, natural logarithm
   * @param isGreedy whether every token of the continuation was the most likely one
   */
  record Scored(double logProbability, boolean isGreedy) implements Answer {}

  /**
   * To {@link Request.Rolling}.
   *
   * @param logProbability sum over the text's tokens, natural logarithm
   */
  record Rolled(double logProbability) implements Answer {}

  /** To {@link Request.Generation}: the output without the stop text. */
  record Generated(String text) implements Answer {}
}
