package dev.lorikeet.nn;

import dev.lorikeet.tape.Ops;
import dev.lorikeet.tape.Var;
import java.util.Optional;

/** One layer of a decoder: x [T, H] to x [T, H]. */
public sealed interface Block {

  /** The layer's output. */
  Var forward(Pass pass, Var x);

  /** x ← x + attention(norm(x)); x ← x + mlp(norm(x)). */
  record Sequential(Norm beforeAttention, Attention attention, Norm beforeMlp, FeedForward mlp)
      implements Block {

    @Override
    public Var forward(Pass pass, Var x) {
      Var attended = attention.forward(pass, beforeAttention.forward(pass, x));
      Var middle = Ops.residual(pass.tape(), x, attended);
      Var fed = mlp.forward(pass, beforeMlp.forward(pass, middle));
      return Ops.residual(pass.tape(), middle, fed);
    }
  }

  /**
   * x ← x + attention(norm(x)) + mlp(norm(x)).
   *
   * @param beforeMlp the norm before the MLP, if it is another one
   */
  record Parallel(
      Norm beforeAttention, Attention attention, Optional<Norm> beforeMlp, FeedForward mlp)
      implements Block {

    @Override
    public Var forward(Pass pass, Var x) {
      Var normed = beforeAttention.forward(pass, x);
      Var attended = attention.forward(pass, normed);
      Var given = beforeMlp.isPresent() ? beforeMlp.get().forward(pass, x) : normed;
      Var fed = mlp.forward(pass, given);
      return Ops.residual(pass.tape(), Ops.residual(pass.tape(), x, attended), fed);
    }
  }

  /** x ← x + norm(attention(norm(x))); x ← x + norm(mlp(norm(x))). */
  record Sandwich(
      Norm beforeAttention,
      Attention attention,
      Norm afterAttention,
      Norm beforeMlp,
      FeedForward mlp,
      Norm afterMlp)
      implements Block {

    @Override
    public Var forward(Pass pass, Var x) {
      Var attended = attention.forward(pass, beforeAttention.forward(pass, x));
      Var middle = Ops.residual(pass.tape(), x, afterAttention.forward(pass, attended));
      Var fed = mlp.forward(pass, beforeMlp.forward(pass, middle));
      return Ops.residual(pass.tape(), middle, afterMlp.forward(pass, fed));
    }
  }
}
