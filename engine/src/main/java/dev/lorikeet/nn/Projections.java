package dev.lorikeet.nn;

import dev.lorikeet.kernel.Columns;
import dev.lorikeet.tape.LayerOps;
import dev.lorikeet.tape.Tape;
import dev.lorikeet.tape.Var;

/** What makes queries, keys and values of hidden states. */
public sealed interface Projections {

  /** Queries [T, heads·D], keys and values [T, kvHeads·D] of x [T, H]. */
  Heads forward(Pass pass, Var x);

  /** What attention compares and sums. */
  record Heads(Var queries, Var keys, Var values) {}

  /**
   * A map for each.
   *
   * @param q [heads·D, H]
   * @param k [kvHeads·D, H]
   * @param v [kvHeads·D, H]
   */
  record Separate(Linear q, Linear k, Linear v) implements Projections {

    @Override
    public Heads forward(Pass pass, Var x) {
      return new Heads(q.forward(pass, x), k.forward(pass, x), v.forward(pass, x));
    }
  }

  /**
   * One map for all, whose columns are shared out.
   *
   * @param qkv [(heads + 2·kvHeads)·D, H]
   */
  record Fused(Linear qkv, Columns q, Columns k, Columns v) implements Projections {

    /** Queries, keys and values one behind the other. */
    public static Fused inOrder(Linear qkv, int queries, int keys) {
      int total = queries + 2 * keys;
      return new Fused(
          qkv,
          Columns.of(0, queries, total),
          Columns.of(queries, keys, total),
          Columns.of(queries + keys, keys, total));
    }

    /**
     * The queries of one key head, its key and its value, and so on for every key head.
     *
     * @param group query heads of a key head
     */
    public static Fused byKeyHead(Linear qkv, int kvHeads, int group, int headDim) {
      int block = (group + 2) * headDim;
      return new Fused(
          qkv,
          new Columns(0, group * headDim, block, kvHeads),
          new Columns(group * headDim, headDim, block, kvHeads),
          new Columns((group + 1) * headDim, headDim, block, kvHeads));
    }

    @Override
    public Heads forward(Pass pass, Var x) {
      Tape tape = pass.tape();
      Var all = qkv.forward(pass, x);
      Heads heads =
          new Heads(
              LayerOps.columns(tape, all, q),
              LayerOps.columns(tape, all, k),
              LayerOps.columns(tape, all, v));
      tape.release(all);
      return heads;
    }
  }
}
