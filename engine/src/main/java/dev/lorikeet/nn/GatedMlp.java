package dev.lorikeet.nn;

import dev.lorikeet.kernel.Activation;
import dev.lorikeet.tape.LayerOps;
import dev.lorikeet.tape.Var;

/**
 * down(f(gate(x)) · up(x)).
 *
 * @param gate [I, H]
 * @param up [I, H]
 * @param down [H, I]
 */
public record GatedMlp(Linear gate, Linear up, Linear down, Activation f) implements FeedForward {

  @Override
  public Var forward(Pass pass, Var x) {
    Var gated = gate.forward(pass, x);
    Var raised = up.forward(pass, x);
    return down.forward(pass, LayerOps.gated(pass.tape(), f, gated, raised));
  }
}
