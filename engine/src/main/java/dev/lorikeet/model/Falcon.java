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
import java.util.OptionalInt;

/**
 * Falcon (Almazrouei et al. 2023) without ALiBi: one map for queries, keys and values, one key head
 * for all queries (7B) or one a group (40B).
 *
 * @param norms where layer norms stand
 * @param bias of all linear maps
 */
record Falcon(Llama.Sizes sizes, Norms norms, Bias bias, Activation activation, RopeScaling rope)
    implements Blueprint {
  private static final int DEFAULT_CONTEXT = 2048;
  private static final double DEFAULT_EPS = 1e-5;

  /** Where layer norms stand in a block. */
  enum Norms {
    /** Before attention and before the MLP, which comes after it. */
    SEQUENTIAL,
    /** One for attention and MLP side by side. */
    ONE,
    /** One each, side by side. */
    TWO
  }

  static Falcon read(JsonConfig json) {
    ConfigReader reader = new ConfigReader(json);
    reader.requireOff("alibi", "a bias by distance (ALiBi) instead of rotary positions");
    boolean grouped = json.optBoolean("new_decoder_architecture", false);
    boolean multiQuery = json.optBoolean("multi_query", true);
    int hidden = json.has("n_embed") ? reader.positive("n_embed") : reader.positive("hidden_size");
    int heads = reader.positive("num_attention_heads");
    if (hidden % heads != 0) {
      throw json.wrong("hidden_size", "a multiple of num_attention_heads " + heads);
    }
    int own = reader.kvHeads("num_kv_heads", heads, OptionalInt.empty());
    RopeKeys.requireEven(json, hidden / heads);
    int context = reader.positive("max_position_embeddings", DEFAULT_CONTEXT);
    Llama.Sizes sizes =
        new Llama.Sizes(
            hidden,
            reader.positive("ffn_hidden_size", 4 * hidden),
            reader.positive("num_hidden_layers"),
            heads,
            grouped || !multiQuery ? own : 1,
            hidden / heads,
            reader.positive("vocab_size"),
            context,
            json.optDouble("layer_norm_epsilon", DEFAULT_EPS),
            json.optBoolean("tie_word_embeddings", true));
    return new Falcon(
        sizes,
        norms(json, grouped),
        Bias.of(json.optBoolean("bias", false)),
        reader.activation("activation", "gelu"),
        RopeKeys.read(json, context));
  }

  private static Norms norms(JsonConfig json, boolean grouped) {
    boolean parallel = json.optBoolean("parallel_attn", true);
    int count = json.optInt("num_ln_in_parallel_attn", grouped ? 2 : 1);
    if (count != 1 && (count != 2 || !grouped)) {
      throw json.wrong(
          "num_ln_in_parallel_attn", grouped ? "1 or 2" : "1, without new_decoder_architecture");
    }
    if (!parallel) {
      if (grouped) {
        throw json.wrong("parallel_attn", "true with new_decoder_architecture");
      }
      return Norms.SEQUENTIAL;
    }
    return count == 2 ? Norms.TWO : Norms.ONE;
  }

  @Override
  public int contextLength() {
    return rope.reach(sizes.context());
  }

  @Override
  public CausalLm build(ModelParts parts) {
    Rope positions = parts.rope(rope, sizes.headDim(), sizes.headDim());
    String name = "transformer.word_embeddings";
    Parameter table =
        parts.parameter(name + ".weight", sizes.tableShape(), sizes.vocabulary(), sizes.hidden());
    List<Block> blocks = new ArrayList<>();
    Decoder.Body body = new Decoder.Body(parts.embedding(name, table), blocks);
    for (int layer = 0; layer < sizes.layers(); layer++) {
      blocks.add(block(parts, positions, layer));
    }
    Norm norm = norm(parts, "transformer.ln_f");
    Linear head = sizes.head(parts, table, Bias.NO);
    return new Decoder(
        parts, body, new Decoder.Top(norm, head, 0f), sizes.ofDecoder(contextLength()));
  }

  private Norm norm(ModelParts parts, String name) {
    return parts.layerNorm(
        name, sizes.hidden(), sizes.eps(), Bias.YES, "hidden_size " + sizes.hidden());
  }

  private Block block(ModelParts parts, Rope positions, int layer) {
    String prefix = "transformer.h." + layer + ".";
    return switch (norms) {
      case SEQUENTIAL ->
          new Block.Sequential(
              norm(parts, prefix + "input_layernorm"),
              attention(parts, positions, layer, prefix + "self_attention."),
              norm(parts, prefix + "post_attention_layernorm"),
              mlp(parts, prefix + "mlp."));
      case ONE ->
          new Block.Parallel(
              norm(parts, prefix + "input_layernorm"),
              attention(parts, positions, layer, prefix + "self_attention."),
              Optional.empty(),
              mlp(parts, prefix + "mlp."));
      case TWO ->
          new Block.Parallel(
              norm(parts, prefix + "ln_attn"),
              attention(parts, positions, layer, prefix + "self_attention."),
              Optional.of(norm(parts, prefix + "ln_mlp")),
              mlp(parts, prefix + "mlp."));
    };
  }

  private Attention attention(ModelParts parts, Rope positions, int layer, String prefix) {
    int hidden = sizes.hidden();
    int columns = (sizes.heads() + 2 * sizes.kvHeads()) * sizes.headDim();
    String shape =
        "num_attention_heads %d, num_kv_heads %d".formatted(sizes.heads(), sizes.kvHeads());
    Linear qkv = parts.linear(prefix + "query_key_value", hidden, columns, bias, shape);
    Linear out = parts.linear(prefix + "dense", hidden, hidden, bias, "hidden_size " + hidden);
    int group = sizes.heads() / sizes.kvHeads();
    return new Attention(
        layer,
        sizes.attention(0),
        Fused.byKeyHead(qkv, sizes.kvHeads(), group, sizes.headDim()),
        Optional.empty(),
        Optional.of(positions),
        out);
  }

  private Mlp mlp(ModelParts parts, String prefix) {
    int hidden = sizes.hidden();
    int inner = sizes.inner();
    String shape = "ffn_hidden_size %d, hidden_size %d".formatted(inner, hidden);
    return new Mlp(
        parts.linear(prefix + "dense_h_to_4h", hidden, inner, bias, shape),
        parts.linear(prefix + "dense_4h_to_h", inner, hidden, bias, shape),
        activation);
  }
}
