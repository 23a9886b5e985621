package dev.lorikeet.metric;

/** What a metric reads of an item; whoever evaluates makes no more than that. */
public enum Need {
  /** {@link Item#generation}: text that the model wrote. */
  GENERATION,
  /** {@link Item#references}: at least one expected answer. */
  REFERENCES,
  /** {@link Item#likelihood}: log-probability of the first expected answer. */
  LIKELIHOOD,
  /** {@link Item#choices}: log-probabilities of given choices. */
  CHOICES
}
