package dev.lorikeet.nn;

import dev.lorikeet.tape.Ops;
import dev.lorikeet.tape.Var;

/**
 * down(silu(gate(x)) · up(x)).
 *
 * @param gate [I, H]
 * @param up [I, H]
 * @param down [H, I]
 */
public record GatedMlp(Linear gate, Linear up, Linear down) {

  /** y [T, H] of x [T, H]. */
  public Var forward(Pass pass, Var x) {
    Var gated = gate.forward(pass, x);
    Var raised = up.forward(pass, x);
    return down.forward(pass, Ops.swiglu(pass.tape(), gated, raised));
  }
}
