package dev.lorikeet.model;

import dev.lorikeet.kernel.AttentionShape;
import dev.lorikeet.nn.BaseLinear;
import dev.lorikeet.nn.Linear;
import dev.lorikeet.nn.Norm;
import dev.lorikeet.nn.Pass;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Var;
import java.util.List;

/**
 * A decoder-only language model. The head is apart from the body, because a loss wants logits at a
 * few positions only, in pieces. Owns its weights.
 */
public interface CausalLm extends AutoCloseable {

  /** Hidden states [T, H] behind the last block, before the final norm. */
  Var hidden(Pass pass);

  /** The final norm. */
  Norm finalNorm();

  /** The output head: normed hidden states [N, H] to logits [N, V]. */
  Linear head();

  /** Logits [N, V] of normed hidden states [N, H]: the head, and what follows it. */
  default Var logits(Pass pass, Var normed) {
    return head().forward(pass, normed);
  }

  /**
   * All weights that are plain float32 tensors, once each, in the order of the checkpoint's layers.
   */
  List<Parameter> parameters();

  /** Numbers that all weights stand for, quantised ones included; a tied head counts once. */
  default long parameterCount() {
    return parameters().stream().mapToLong(parameter -> parameter.value().elements()).sum();
  }

  /** Bytes that all weights take on the device, quantised ones included. */
  default long weightBytes() {
    return parameters().stream().mapToLong(parameter -> parameter.value().bytes()).sum();
  }

  /** The linear maps of the blocks that are held in another form than float32. */
  default List<BaseLinear> quantisedMaps() {
    return List.of();
  }

  /** Rows of the embedding: ids are below this. */
  int vocabularySize();

  /** Tokens that the model was made for. */
  int contextLength();

  /**
   * Whether a cache of {@code from} tokens serves a sequence that has grown to {@code to}: not
   * where rotary positions depend on the length and change between the two.
   */
  default boolean keepsKeys(int from, int to) {
    return true;
  }

  /** Number of blocks, and the shape of their attention: what a cache must hold. */
  int layers();

  /** Heads and head size, alike in all layers. */
  AttentionShape attentionShape();

  @Override
  void close();
}
