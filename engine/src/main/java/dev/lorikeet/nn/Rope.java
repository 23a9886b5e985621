package dev.lorikeet.nn;

import dev.lorikeet.tape.Var;

/** Rotary positions (Su et al. 2021) of queries or keys. Owns its tables. */
public interface Rope extends AutoCloseable {

  /** Turns the heads of {@code x} [T, heads·D]. */
  Var rotate(Pass pass, Var x);

  /**
   * Whether the keys of a sequence of {@code from} tokens, rotated, are those of the same tokens in
   * one of {@code to}: else a cache of them is of no use.
   */
  default boolean keepsKeys(int from, int to) {
    return true;
  }

  @Override
  void close();
}
