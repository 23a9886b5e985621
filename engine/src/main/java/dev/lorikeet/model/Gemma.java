package dev.lorikeet.model;

import dev.lorikeet.kernel.Activation;
import dev.lorikeet.kernel.AttentionShape;
import dev.lorikeet.nn.Attention;
import dev.lorikeet.nn.Attention.HeadNorms;
import dev.lorikeet.nn.Block;
import dev.lorikeet.nn.DenseLinear.Bias;
import dev.lorikeet.nn.GatedMlp;
import dev.lorikeet.nn.Linear;
import dev.lorikeet.nn.Norm;
import dev.lorikeet.nn.Projections.Separate;
import dev.lorikeet.nn.Rope;
import dev.lorikeet.tape.Parameter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What {@link Gemma2} and {@link Gemma3} share: x ← x + norm(attention(norm(x))); x ← x +
 * norm(mlp(norm(x))).
 *
 * @param sliding which layers have the window
 * @param ropes positions of layers with a window and without
 * @param headNorms what implies the width of the norms of heads, if there are any
 */
record Gemma(
    Sizes sizes,
    Caps caps,
    List<Boolean> sliding,
    ByReach<RopeScaling> ropes,
    Optional<String> headNorms) {

  /**
   * Sizes of a config.
   *
   * @param scoreScale factor of the scores
   * @param window tokens that layers with a window see
   */
  record Sizes(
      Llama.Sizes base, float scoreScale, int window, Activation activation, Bias attentionBias) {
    private static final int DEFAULT_KV_HEADS = 4;
    private static final int DEFAULT_WINDOW = 4096;
    private static final double DEFAULT_EPS = 1e-6;
    private static final double DEFAULT_SCALAR = 256;

    static Sizes read(ConfigReader reader, int context) {
      reader.json().requiredInt("head_dim");
      Llama.Sizes base = Llama.Sizes.read(reader, OptionalInt.of(DEFAULT_KV_HEADS), context);
      Llama.Sizes tied =
          base.withEps(reader.json().optDouble("rms_norm_eps", DEFAULT_EPS))
              .withTied(reader.json().optBoolean("tie_word_embeddings", true));
      reader.requireOff("use_bidirectional_attention", "attention to later tokens");
      double scalar = reader.json().optDouble("query_pre_attn_scalar", DEFAULT_SCALAR);
      return new Sizes(
          tied,
          (float) (1 / Math.sqrt(scalar)),
          reader.window("sliding_window", DEFAULT_WINDOW),
          reader.activation("hidden_activation", "gelu_pytorch_tanh"),
          Bias.of(reader.json().optBoolean("attention_bias", false)));
    }

    int layers() {
      return base.layers();
    }

    int context() {
      return base.context();
    }

    int headDim() {
      return base.headDim();
    }
  }

  /** Soft caps of scores and logits, 0 for none. */
  record Caps(float scores, float logits) {
    static Caps read(ConfigReader reader, double scores, double logits) {
      return new Caps(
          reader.cap("attn_logit_softcapping", scores),
          reader.cap("final_logit_softcapping", logits));
    }
  }

  CausalLm build(ModelParts parts) {
    Llama.Sizes base = sizes.base;
    ByReach<Rope> positions = ropes.map(rope -> parts.rope(rope, base.headDim(), base.headDim()));
    Parameter table =
        parts.parameter(
            "model.embed_tokens.weight", base.tableShape(), base.vocabulary(), base.hidden());
    List<Block> blocks = new ArrayList<>();
    Decoder.Body body =
        new Decoder.Body(
            parts.embedding("model.embed_tokens", table),
            (float) Math.sqrt(base.hidden()),
            Optional.empty(),
            blocks);
    for (int layer = 0; layer < base.layers(); layer++) {
      blocks.add(block(parts, positions.of(sliding.get(layer)), layer));
    }
    Norm norm = norm(parts, "model.norm");
    Linear head = base.head(parts, table, Bias.NO);
    Decoder.Top top = new Decoder.Top(norm, head, caps.logits);
    return new Decoder(parts, body, top, base.ofDecoder(base.context()));
  }

  private Norm norm(ModelParts parts, String name) {
    int hidden = sizes.base.hidden();
    return parts.rmsNormAroundOne(name, hidden, sizes.base.eps(), "hidden_size " + hidden);
  }

  private Block block(ModelParts parts, Rope positions, int layer) {
    String prefix = "model.layers." + layer + ".";
    Norm beforeAttention = norm(parts, prefix + "input_layernorm");
    Attention attention = attention(parts, positions, layer, prefix + "self_attn.");
    return new Block.Sandwich(
        beforeAttention,
        attention,
        norm(parts, prefix + "post_attention_layernorm"),
        norm(parts, prefix + "pre_feedforward_layernorm"),
        mlp(parts, prefix + "mlp."),
        norm(parts, prefix + "post_feedforward_layernorm"));
  }

  private Attention attention(ModelParts parts, Rope positions, int layer, String prefix) {
    Llama.Sizes base = sizes.base;
    Bias bias = sizes.attentionBias;
    int hidden = base.hidden();
    int queries = base.heads() * base.headDim();
    int keys = base.kvHeads() * base.headDim();
    Separate in =
        new Separate(
            parts.linear(prefix + "q_proj", hidden, queries, bias, base.queryShape()),
            parts.linear(prefix + "k_proj", hidden, keys, bias, base.keyShape()),
            parts.linear(prefix + "v_proj", hidden, keys, bias, base.keyShape()));
    Linear out = parts.linear(prefix + "o_proj", queries, hidden, bias, base.queryShape());
    AttentionShape shape =
        new AttentionShape(
            base.heads(),
            base.kvHeads(),
            base.headDim(),
            sizes.scoreScale,
            sliding.get(layer) ? sizes.window : 0,
            caps.scores);
    return new Attention(layer, shape, in, headNorms(parts, prefix), Optional.of(positions), out);
  }

  private Optional<HeadNorms> headNorms(ModelParts parts, String prefix) {
    int width = sizes.base.headDim();
    double eps = sizes.base.eps();
    return headNorms.map(impliedBy ->
        new HeadNorms(
            parts.rmsNormAroundOne(prefix + "q_norm", width, eps, impliedBy),
            parts.rmsNormAroundOne(prefix + "k_norm", width, eps, impliedBy)));
  }

  private GatedMlp mlp(ModelParts parts, String prefix) {
    Llama.Sizes base = sizes.base;
    int hidden = base.hidden();
    int inner = base.inner();
    String shape = base.mlpShape();
    return new GatedMlp(
        parts.linear(prefix + "gate_proj", hidden, inner, Bias.NO, shape),
        parts.linear(prefix + "up_proj", hidden, inner, Bias.NO, shape),
        parts.linear(prefix + "down_proj", inner, hidden, Bias.NO, shape),
        sizes.activation);
  }
}
