package dev.lorikeet.nn;

import dev.lorikeet.tape.Var;

/** The part of a block that looks at one token at a time. */
@FunctionalInterface
public interface FeedForward {

  /** y [T, H] of x [T, H]. */
  Var forward(Pass pass, Var x);
}
