package dev.lorikeet.nn;

import dev.lorikeet.tape.Ops;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Var;
import dev.lorikeet.torch.Tensor;
import java.util.Optional;

/**
 * Root mean square norm with a learned weight, of every run of as many columns.
 *
 * @param weight [H]
 * @param offset [H]: what is added to the weight, if anything; stays with the model
 * @param eps added to the mean of squares
 */
public record RmsNorm(Parameter weight, Optional<Tensor> offset, double eps) implements Norm {

  /** A norm whose factors are its weight. */
  public RmsNorm(Parameter weight, double eps) {
    this(weight, Optional.empty(), eps);
  }

  @Override
  public Var forward(Pass pass, Var x) {
    return Ops.rmsNorm(pass.tape(), x, weight, offset, eps);
  }
}
