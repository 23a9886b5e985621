package dev.lorikeet.nn;

import dev.lorikeet.tape.Var;

/** A normalisation of rows, or of equal runs of their columns. */
@FunctionalInterface
public interface Norm {

  /** y of x, both [T, columns]. */
  Var forward(Pass pass, Var x);
}
