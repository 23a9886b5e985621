package dev.lorikeet.train;

/**
 * How well a model knows held-out examples.
 *
 * @param loss mean loss a labelled token, in nats
 * @param accuracy share of the labelled tokens that the model finds most likely, 0 to 1
 */
public record Evaluation(double loss, double accuracy) {

  /** e to the loss: how many equally likely tokens the model chooses among. */
  public double perplexity() {
    return Math.exp(loss);
  }
}
