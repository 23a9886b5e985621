package dev.lorikeet.nn;

import dev.lorikeet.kernel.AttentionShape;
import dev.lorikeet.kernel.Segments;
import dev.lorikeet.nn.Projections.Heads;
import dev.lorikeet.tape.Ops;
import dev.lorikeet.tape.Tape;
import dev.lorikeet.tape.Var;
import java.util.Optional;

/**
 * Self-attention: o(softmax(rope(norm(q))·rope(norm(k))ᵀ·scale)·v), inside segments.
 *
 * @param layer index of the layer, for the cache
 * @param shape heads and scores
 * @param in what makes queries, keys and values
 * @param norms of queries and keys, if there are any
 * @param rope rotary positions, if there are any
 * @param o [H, heads·D]
 */
public record Attention(
    int layer,
    AttentionShape shape,
    Projections in,
    Optional<HeadNorms> norms,
    Optional<Rope> rope,
    Linear o) {

  /** Norms of every query head and every key head. */
  public record HeadNorms(Norm q, Norm k) {}

  /** y [T, H] of x [T, H]. */
  public Var forward(Pass pass, Var x) {
    Heads heads = in.forward(pass, x);
    Var queries = heads.queries();
    Var keys = heads.keys();
    if (norms.isPresent()) {
      queries = norms.get().q().forward(pass, queries);
      keys = norms.get().k().forward(pass, keys);
    }
    if (rope.isPresent()) {
      queries = rope.get().rotate(pass, queries);
      keys = rope.get().rotate(pass, keys);
    }
    Var values = heads.values();
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
