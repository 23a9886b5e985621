package dev.lorikeet.nn;

import dev.lorikeet.kernel.AttentionShape;
import dev.lorikeet.kernel.Segments;
import dev.lorikeet.tape.Ops;
import dev.lorikeet.tape.Tape;
import dev.lorikeet.tape.Var;

/**
 * Self-attention with rotary positions: o(softmax(rope(q)·rope(k)ᵀ·scale)·v), inside segments.
 *
 * @param layer index of the layer, for the cache
 * @param shape heads and scores
 * @param q [heads·D, H]
 * @param k [kvHeads·D, H]
 * @param v [kvHeads·D, H]
 * @param o [H, heads·D]
 */
public record Attention(
    int layer, AttentionShape shape, Linear q, Linear k, Linear v, Linear o, RopeTable rope) {

  /** y [T, H] of x [T, H]. */
  public Var forward(Pass pass, Var x) {
    Var queries = rope.rotate(pass, q.forward(pass, x));
    Var keys = rope.rotate(pass, k.forward(pass, x));
    Var values = v.forward(pass, x);
    Segments segments = pass.sequences().segments();
    if (pass.cache().isPresent()) {
      KvCache cache = pass.cache().get();
      cache.append(layer, segments, keys.value(), values.value());
      Tape tape = pass.tape();
      keys = tape.constant(cache.keys(layer).retain());
      values = tape.constant(cache.values(layer).retain());
    }
    return o.forward(pass, Ops.attention(pass.tape(), shape, segments, queries, keys, values));
  }
}
