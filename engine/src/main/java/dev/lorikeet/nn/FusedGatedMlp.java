package dev.lorikeet.nn;

import dev.lorikeet.kernel.Activation;
import dev.lorikeet.kernel.Columns;
import dev.lorikeet.tape.LayerOps;
import dev.lorikeet.tape.Tape;
import dev.lorikeet.tape.Var;

/**
 * down(f(gate) · up), where the columns of one map are the gate's and then the other's.
 *
 * @param gateUp [2·I, H]
 * @param down [H, I]
 */
public record FusedGatedMlp(Linear gateUp, Linear down, Activation f) implements FeedForward {

  @Override
  public Var forward(Pass pass, Var x) {
    Tape tape = pass.tape();
    int inner = down.inFeatures();
    Var both = gateUp.forward(pass, x);
    Var gate = LayerOps.columns(tape, both, Columns.of(0, inner, 2 * inner));
    Var up = LayerOps.columns(tape, both, Columns.of(inner, inner, 2 * inner));
    tape.release(both);
    return down.forward(pass, LayerOps.gated(tape, f, gate, up));
  }
}
