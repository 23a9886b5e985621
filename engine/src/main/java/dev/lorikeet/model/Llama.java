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
import java.util.function.IntFunction;

/**
 * Llama (Touvron et al. 2023; Llama 2 and 3 with grouped heads): x ← x + attention(norm(x)); x ← x
 * + mlp(norm(x)). Mistral and Qwen differ in biases, windows and norms of heads.
 *
 * @param shapes heads and scores of every layer
 * @param headNorms whether queries and keys are normed, head by head
 */
record Llama(
    Sizes sizes,
    Biases biases,
    RopeScaling rope,
    IntFunction<AttentionShape> shapes,
    boolean headNorms) {

  private static final double DEFAULT_EPS = 1e-6;

  Llama(Sizes sizes, Biases biases, RopeScaling rope, IntFunction<AttentionShape> shapes) {
    this(sizes, biases, rope, shapes, false);
  }

  /**
   * Sizes under Hugging Face's meanings.
   *
   * @param eps ε of the norms
   * @param tied whether the head is the embedding
   */
  record Sizes(
      int hidden,
      int inner,
      int layers,
      int heads,
      int kvHeads,
      int headDim,
      int vocabulary,
      int context,
      double eps,
      boolean tied) {

    /**
     * The sizes of a config with Llama's keys.
     *
     * @param kvHeads heads where the config has no such key
     * @param context tokens where the config has no such key
     */
    static Sizes read(ConfigReader reader, OptionalInt kvHeads, int context) {
      int hidden = reader.positive("hidden_size");
      int heads = reader.positive("num_attention_heads");
      int headDim = reader.headDim(hidden, heads);
      RopeKeys.requireEven(reader.json(), headDim);
      return new Sizes(
          hidden,
          reader.positive("intermediate_size"),
          reader.positive("num_hidden_layers"),
          heads,
          reader.kvHeads("num_key_value_heads", heads, kvHeads),
          headDim,
          reader.positive("vocab_size"),
          reader.positive("max_position_embeddings", context),
          reader.json().optDouble("rms_norm_eps", DEFAULT_EPS),
          reader.json().optBoolean("tie_word_embeddings", false));
    }

    /** The same with another ε. */
    Sizes withEps(double other) {
      return new Sizes(
          hidden, inner, layers, heads, kvHeads, headDim, vocabulary, context, other, tied);
    }

    /** The same with a tied head or one of its own. */
    Sizes withTied(boolean other) {
      return new Sizes(
          hidden, inner, layers, heads, kvHeads, headDim, vocabulary, context, eps, other);
    }

    /** What others ask about a model of these sizes, for sequences up to {@code reach}. */
    Decoder.Sizes ofDecoder(int reach) {
      return new Decoder.Sizes(vocabulary, reach, layers, attention(0));
    }

    /** The output head {@code lm_head}, tied or not. */
    Linear head(ModelParts parts, Parameter table, Bias bias) {
      return tied
          ? parts.tiedHead("lm_head", table, bias, tableShape())
          : parts.head(
              "lm_head", hidden, vocabulary, bias, tableShape() + ", tie_word_embeddings false");
    }

    /** Keys of the embedding's shape. */
    String tableShape() {
      return "vocab_size %d, hidden_size %d".formatted(vocabulary, hidden);
    }

    /** Keys of the queries' columns. */
    String queryShape() {
      return "num_attention_heads %d × head_dim %d".formatted(heads, headDim);
    }

    /** Keys of the keys' and values' columns. */
    String keyShape() {
      return "num_key_value_heads %d × head_dim %d".formatted(kvHeads, headDim);
    }

    /** Keys of the MLP's columns. */
    String mlpShape() {
      return "intermediate_size %d, hidden_size %d".formatted(inner, hidden);
    }

    /** Heads and scores of a layer that sees {@code window} tokens, 0 for all. */
    AttentionShape attention(int window) {
      float scale = (float) (1.0 / Math.sqrt(headDim));
      return new AttentionShape(heads, kvHeads, headDim, scale, window, 0f);
    }
  }

  /** Which maps have biases. */
  record Biases(Bias qkv, Bias o, Bias mlp) {
    static final Biases NONE = new Biases(Bias.NO, Bias.NO, Bias.NO);
  }

  CausalLm build(ModelParts parts) {
    Rope positions = parts.rope(rope, sizes.headDim, sizes.headDim);
    Parameter table =
        parts.parameter(
            "model.embed_tokens.weight", sizes.tableShape(), sizes.vocabulary, sizes.hidden);
    List<Block> blocks = new ArrayList<>();
    Decoder.Body body = new Decoder.Body(parts.embedding("model.embed_tokens", table), blocks);
    for (int layer = 0; layer < sizes.layers; layer++) {
      blocks.add(block(parts, positions, layer));
    }
    Norm norm = norm(parts, "model.norm");
    return new Decoder(
        parts,
        body,
        new Decoder.Top(norm, sizes.head(parts, table, Bias.NO), 0f),
        sizes.ofDecoder(rope.reach(sizes.context)));
  }

  private Norm norm(ModelParts parts, String name) {
    return parts.rmsNorm(name, sizes.hidden, sizes.eps, "hidden_size " + sizes.hidden);
  }

  private Block block(ModelParts parts, Rope positions, int layer) {
    String prefix = "model.layers." + layer + ".";
    Norm beforeAttention = norm(parts, prefix + "input_layernorm");
    Attention attention = attention(parts, positions, layer, prefix + "self_attn.");
    Norm beforeMlp = norm(parts, prefix + "post_attention_layernorm");
    return new Block.Sequential(beforeAttention, attention, beforeMlp, mlp(parts, prefix + "mlp."));
  }

  private Attention attention(ModelParts parts, Rope positions, int layer, String prefix) {
    int queries = sizes.heads * sizes.headDim;
    int keys = sizes.kvHeads * sizes.headDim;
    int hidden = sizes.hidden;
    Separate in =
        new Separate(
            parts.linear(prefix + "q_proj", hidden, queries, biases.qkv, sizes.queryShape()),
            parts.linear(prefix + "k_proj", hidden, keys, biases.qkv, sizes.keyShape()),
            parts.linear(prefix + "v_proj", hidden, keys, biases.qkv, sizes.keyShape()));
    Linear out = parts.linear(prefix + "o_proj", queries, hidden, biases.o, sizes.queryShape());
    return new Attention(
        layer, shapes.apply(layer), in, headNorms(parts, prefix), Optional.of(positions), out);
  }

  private Optional<HeadNorms> headNorms(ModelParts parts, String prefix) {
    String impliedBy = "head_dim " + sizes.headDim;
    return headNorms
        ? Optional.of(
            new HeadNorms(
                parts.rmsNorm(prefix + "q_norm", sizes.headDim, sizes.eps, impliedBy),
                parts.rmsNorm(prefix + "k_norm", sizes.headDim, sizes.eps, impliedBy)))
        : Optional.empty();
  }

  private GatedMlp mlp(ModelParts parts, String prefix) {
    int hidden = sizes.hidden;
    int inner = sizes.inner;
    String shape = sizes.mlpShape();
    return new GatedMlp(
        parts.linear(prefix + "gate_proj", hidden, inner, biases.mlp, shape),
        parts.linear(prefix + "up_proj", hidden, inner, biases.mlp, shape),
        parts.linear(prefix + "down_proj", inner, hidden, biases.mlp, shape),
        Activation.SILU);
  }
}
