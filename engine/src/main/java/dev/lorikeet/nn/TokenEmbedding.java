package dev.lorikeet.nn;

import dev.lorikeet.tape.Ops;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Var;

/**
 * Rows of a floating-point table, as float32.
 *
 * @param name module name
 * @param weight [V, H]
 */
public record TokenEmbedding(String name, Parameter weight) implements Embedding {

  @Override
  public int rows() {
    return Math.toIntExact(weight.value().size(0));
  }

  @Override
  public int columns() {
    return Math.toIntExact(weight.value().size(1));
  }

  @Override
  public Var forward(Pass pass) {
    return Ops.embedding(pass.tape(), weight, pass.tokens());
  }
}
