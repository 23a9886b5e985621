package dev.lorikeet.train;

/**
 * How an update treats some of the parameters differently.
 *
 * @param rateFactor their learning rate as a multiple of the schedule's, above 0
 * @param decay whether the rule's weight decay goes on them
 */
public record ParameterGroup(double rateFactor, Decay decay) {
  /** Whether the rule's weight decay goes on a parameter. */
  public enum Decay {
    APPLIED,
    NONE
  }
}
