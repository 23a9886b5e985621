package dev.lorikeet.nn;

import dev.lorikeet.tape.LayerOps;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Var;
import java.util.Optional;

/**
 * Layer norm with a learned weight, of every run of as many columns.
 *
 * @param weight [H]
 * @param bias [H], if there is one
 * @param eps added to the variance
 */
public record LayerNorm(Parameter weight, Optional<Parameter> bias, double eps) implements Norm {

  @Override
  public Var forward(Pass pass, Var x) {
    return LayerOps.layerNorm(pass.tape(), x, weight, bias, eps);
  }
}
