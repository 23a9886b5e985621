package dev.lorikeet.model;

import dev.lorikeet.format.JsonConfig;
import dev.lorikeet.kernel.Activation;
import dev.lorikeet.model.Architecture.Blueprint;
import dev.lorikeet.nn.Attention;
import dev.lorikeet.nn.Block;
import dev.lorikeet.nn.DenseLinear.Bias;
import dev.lorikeet.nn.Linear;
import dev.lorikeet.nn.Mlp;
import dev.lorikeet.nn.Norm;
import dev.lorikeet.nn.Projections.Fused;
import dev.lorikeet.nn.Rope;
import dev.lorikeet.tape.Parameter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * GPT-NeoX and Pythia (Black et al. 2022): attention and MLP side by side, each on a layer norm of
 * its own, positions on a share of every head, one map for queries, keys and values.
 *
 * @param rotary turned columns of a head
 * @param attentionBias whether the maps of attention have biases
 * @param parallel whether attention and MLP read the same hidden states
 */
record GptNeox(
    Llama.Sizes sizes,
    Activation activation,
    RopeScaling rope,
    int rotary,
    Bias attentionBias,
    boolean parallel)
    implements Blueprint {
  private static final int DEFAULT_CONTEXT = 2048;
  private static final double DEFAULT_EPS = 1e-5;
  private static final double DEFAULT_SHARE = 0.25;

  static GptNeox read(JsonConfig json) {
    ConfigReader reader = new ConfigReader(json);
    int hidden = reader.positive("hidden_size");
    int heads = reader.positive("num_attention_heads");
    if (hidden % heads != 0) {
      throw json.wrong("hidden_size", "a multiple of num_attention_heads " + heads);
    }
    int context = reader.positive("max_position_embeddings", DEFAULT_CONTEXT);
    Llama.Sizes sizes =
        new Llama.Sizes(
            hidden,
            reader.positive("intermediate_size"),
            reader.positive("num_hidden_layers"),
            heads,
            heads,
            hidden / heads,
            reader.positive("vocab_size"),
            context,
            json.optDouble("layer_norm_eps", DEFAULT_EPS),
            json.optBoolean("tie_word_embeddings", false));
    RopeKeys rope = RopeKeys.of(json);
    return new GptNeox(
        sizes,
        reader.activation("hidden_act", "gelu"),
        rope.scaling(context, "rotary_emb_base"),
        rope.rotary(sizes.headDim(), "rotary_pct", DEFAULT_SHARE),
        Bias.of(json.optBoolean("attention_bias", true)),
        json.optBoolean("use_parallel_residual", true));
  }

  @Override
  public int contextLength() {
    return rope.reach(sizes.context());
  }

  /** The head has another name in files. */
  @Override
  public String storedName(String name, Predicate<String> stored) {
    String old = "embed_out" + name.substring(name.lastIndexOf('.'));
    return name.startsWith("lm_head.") && !stored.test(name) && stored.test(old)
        ? old
        : Blueprint.super.storedName(name, stored);
  }

  @Override
  public CausalLm build(ModelParts parts) {
    Rope positions = parts.rope(rope, sizes.headDim(), rotary);
    Parameter table =
        parts.parameter(
            "gpt_neox.embed_in.weight", sizes.tableShape(), sizes.vocabulary(), sizes.hidden());
    List<Block> blocks = new ArrayList<>();
    Decoder.Body body = new Decoder.Body(parts.embedding("gpt_neox.embed_in", table), blocks);
    for (int layer = 0; layer < sizes.layers(); layer++) {
      blocks.add(block(parts, positions, layer));
    }
    Norm norm = norm(parts, "gpt_neox.final_layer_norm");
    Linear head = sizes.head(parts, table, Bias.NO);
    return new Decoder(
        parts, body, new Decoder.Top(norm, head, 0f), sizes.ofDecoder(contextLength()));
  }

  private Norm norm(ModelParts parts, String name) {
    return parts.layerNorm(
        name, sizes.hidden(), sizes.eps(), Bias.YES, "hidden_size " + sizes.hidden());
  }

  private Block block(ModelParts parts, Rope positions, int layer) {
    String prefix = "gpt_neox.layers." + layer + ".";
    Norm beforeAttention = norm(parts, prefix + "input_layernorm");
    Norm beforeMlp = norm(parts, prefix + "post_attention_layernorm");
    Attention attention = attention(parts, positions, layer, prefix + "attention.");
    int hidden = sizes.hidden();
    int inner = sizes.inner();
    Mlp mlp =
        new Mlp(
            parts.linear(prefix + "mlp.dense_h_to_4h", hidden, inner, Bias.YES, sizes.mlpShape()),
            parts.linear(prefix + "mlp.dense_4h_to_h", inner, hidden, Bias.YES, sizes.mlpShape()),
            activation);
    return parallel
        ? new Block.Parallel(beforeAttention, attention, Optional.of(beforeMlp), mlp)
        : new Block.Sequential(beforeAttention, attention, beforeMlp, mlp);
  }

  private Attention attention(ModelParts parts, Rope positions, int layer, String prefix) {
    int hidden = sizes.hidden();
    String shape = "hidden_size " + hidden;
    Linear qkv = parts.linear(prefix + "query_key_value", hidden, 3 * hidden, attentionBias, shape);
    Linear out = parts.linear(prefix + "dense", hidden, hidden, attentionBias, shape);
    return new Attention(
        layer,
        sizes.attention(0),
        Fused.byKeyHead(qkv, sizes.heads(), 1, sizes.headDim()),
        Optional.empty(),
        Optional.of(positions),
        out);
  }
}
