package dev.lorikeet.model;

import dev.lorikeet.kernel.AttentionShape;
import dev.lorikeet.nn.BaseLinear;
import dev.lorikeet.nn.Block;
import dev.lorikeet.nn.Embedding;
import dev.lorikeet.nn.Linear;
import dev.lorikeet.nn.Norm;
import dev.lorikeet.nn.Pass;
import dev.lorikeet.tape.LayerOps;
import dev.lorikeet.tape.Ops;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Var;
import java.util.List;
import java.util.Optional;

/** A model of a family: embedding, blocks, norm and head. Owns the parts. */
final class Decoder implements CausalLm {
  private final ModelParts parts;
  private final Body body;
  private final Top top;
  private final Sizes sizes;

  /**
   * Everything below the last norm.
   *
   * @param embeddingScale factor of the embedding
   * @param positions a row for every position [P, H], added to the embedding, if there is one
   */
  record Body(
      Embedding embedding,
      float embeddingScale,
      Optional<Parameter> positions,
      List<Block> blocks) {

    Body(Embedding embedding, List<Block> blocks) {
      this(embedding, 1f, Optional.empty(), blocks);
    }
  }

  /**
   * From hidden states to logits.
   *
   * @param softCap logits become {@code softCap · tanh(logit / softCap)}; 0 for none
   */
  record Top(Norm norm, Linear head, float softCap) {}

  /**
   * What others ask about a model.
   *
   * @param attention heads and head size, alike in all layers
   */
  record Sizes(int vocabulary, int context, int layers, AttentionShape attention) {}

  Decoder(ModelParts parts, Body body, Top top, Sizes sizes) {
    this.parts = parts;
    this.body = body;
    this.top = top;
    this.sizes = sizes;
  }

  @Override
  public Var hidden(Pass pass) {
    Var x = body.embedding.forward(pass);
    if (body.embeddingScale != 1f) {
      x = LayerOps.scale(pass.tape(), x, body.embeddingScale);
    }
    if (body.positions.isPresent()) {
      Var places = Ops.embedding(pass.tape(), body.positions.get(), pass.positions());
      x = Ops.residual(pass.tape(), x, places);
    }
    for (Block block : body.blocks) {
      x = pass.block(x, block::forward);
    }
    return x;
  }

  @Override
  public Norm finalNorm() {
    return top.norm;
  }

  @Override
  public Linear head() {
    return top.head;
  }

  @Override
  public Var logits(Pass pass, Var normed) {
    Var logits = top.head.forward(pass, normed);
    return top.softCap == 0 ? logits : LayerOps.softCap(pass.tape(), logits, top.softCap);
  }

  @Override
  public boolean keepsKeys(int from, int to) {
    return parts.keepsKeys(from, to);
  }

  @Override
  public List<Parameter> parameters() {
    return parts.parameters();
  }

  @Override
  public long parameterCount() {
    return parts.parameterCount();
  }

  @Override
  public long weightBytes() {
    return parts.weightBytes();
  }

  @Override
  public List<BaseLinear> quantisedMaps() {
    return parts.quantisedMaps();
  }

  @Override
  public int vocabularySize() {
    return sizes.vocabulary;
  }

  @Override
  public int contextLength() {
    return sizes.context;
  }

  @Override
  public int layers() {
    return sizes.layers;
  }

  @Override
  public AttentionShape attentionShape() {
    return sizes.attention;
  }

  @Override
  public void close() {
    parts.close();
  }
}
