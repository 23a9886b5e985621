package dev.lorikeet.nn;

import dev.lorikeet.kernel.Activation;
import dev.lorikeet.tape.LayerOps;
import dev.lorikeet.tape.Var;

/**
 * down(f(up(x))).
 *
 * @param up [I, H]
 * @param down [H, I]
 */
public record Mlp(Linear up, Linear down, Activation f) implements FeedForward {

  @Override
  public Var forward(Pass pass, Var x) {
    return down.forward(pass, LayerOps.activate(pass.tape(), f, up.forward(pass, x)));
  }
}
