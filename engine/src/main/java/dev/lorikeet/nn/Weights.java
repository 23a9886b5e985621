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

  /**
   * The linear map {@code name} of a block: {@code name.weight} and perhaps {@code name.bias}. The
   * caller owns it. Weights that hold such maps in few bits give that form.
   *
   * @param impliedBy the config keys that imply {@code shape}, for the message when it differs
   */
  default BaseLinear linear(
      String name, DenseLinear.Shape shape, DenseLinear.Bias bias, String impliedBy) {
    return DenseLinear.load(this, name, shape, bias, impliedBy);
  }

  /**
   * What the module of {@code name} uses where the config ties it to {@code owner}: the same
   * weight, unless one of the two is trained apart. Another weight belongs to the caller.
   */
  default Parameter shared(Parameter owner, String name) {
    return owner;
  }

  /** Whether there is a weight of this name. */
  boolean contains(String name);
}
