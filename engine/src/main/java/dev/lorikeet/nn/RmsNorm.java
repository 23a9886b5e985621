package dev.lorikeet.nn;

import dev.lorikeet.tape.Ops;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Var;

/**
 * Root mean square norm with a learned weight.
 *
 * @param weight [H]
 * @param eps added to the mean of squares
 */
public record RmsNorm(Parameter weight, double eps) {

  /** y [T, H] of x [T, H]. */
  public Var forward(Pass pass, Var x) {
    return Ops.rmsNorm(pass.tape(), x, weight, eps);
  }
}
