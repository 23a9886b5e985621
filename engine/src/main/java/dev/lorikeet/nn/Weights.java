package dev.lorikeet.nn;

import dev.lorikeet.tape.Parameter;

/**
 * Where a model's weights come from: a checkpoint, a random start, or nowhere but their shapes.
 * Hugging Face's names are the names.
 */
public interface Weights {

  /**
   * The weight {@code name}; the caller owns it.
   *
   * @param impliedBy the config keys that imply {@code shape}, for the message when it differs
   */
  Parameter parameter(String name, String impliedBy, long... shape);

  /** Whether there is a weight of this name. */
  boolean contains(String name);
}
