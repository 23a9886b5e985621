package dev.lorikeet.model;

import dev.lorikeet.format.JsonConfig;
import dev.lorikeet.kernel.Activation;
import dev.lorikeet.model.Architecture.Blueprint;
import dev.lorikeet.nn.Attention;
import dev.lorikeet.nn.Attention.HeadNorms;
import dev.lorikeet.nn.Block;
import dev.lorikeet.nn.DenseLinear.Bias;
import dev.lorikeet.nn.GatedMlp;
import dev.lorikeet.nn.Linear;
import dev.lorikeet.nn.Norm;
import dev.lorikeet.nn.PerHeadNorm;
import dev.lorikeet.nn.Projections.Separate;
import dev.lorikeet.nn.Rope;
import dev.lorikeet.tape.Parameter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * StableLM (Bellagente et al. 2024): Llama with layer norms, positions on a share of every head,
 * and in StableLM 2 12B a norm for each head with attention and MLP side by side.
 *
 * @param rotary turned columns of a head
 * @param qkvBias whether queries, keys and values have biases
 * @param headNorms whether every query and key head has a norm of its own
 * @param parallel whether attention and MLP read the same norm
 */
record StableLm(
    Llama.Sizes sizes,
    Activation activation,
    RopeScaling rope,
    int rotary,
    Bias qkvBias,
    boolean headNorms,
    boolean parallel)
    implements Blueprint {
  private static final int DEFAULT_CONTEXT = 4096;
  private static final int DEFAULT_KV_HEADS = 32;
  private static final double DEFAULT_EPS = 1e-5;
  private static final double DEFAULT_SHARE = 0.25;

  static StableLm read(JsonConfig json) {
    ConfigReader reader = new ConfigReader(json);
    Llama.Sizes sizes =
        Llama.Sizes.read(reader, OptionalInt.of(DEFAULT_KV_HEADS), DEFAULT_CONTEXT)
            .withEps(json.optDouble("layer_norm_eps", DEFAULT_EPS));
    RopeKeys rope = RopeKeys.of(json);
    return new StableLm(
        sizes,
        reader.activation("hidden_act", "silu"),
        rope.scaling(sizes.context()),
        rope.evenRotary(sizes.headDim(), "partial_rotary_factor", DEFAULT_SHARE),
        Bias.of(json.optBoolean("use_qkv_bias", false)),
        json.optBoolean("qk_layernorm", false),
        json.optBoolean("use_parallel_residual", false));
  }

  @Override
  public int contextLength() {
    return rope.reach(sizes.context());
  }

  @Override
  public CausalLm build(ModelParts parts) {
    Rope positions = parts.rope(rope, sizes.headDim(), rotary);
    Parameter table =
        parts.parameter(
            "model.embed_tokens.weight", sizes.tableShape(), sizes.vocabulary(), sizes.hidden());
    List<Block> blocks = new ArrayList<>();
    Decoder.Body body = new Decoder.Body(parts.embedding("model.embed_tokens", table), blocks);
    for (int layer = 0; layer < sizes.layers(); layer++) {
      blocks.add(block(parts, positions, layer));
    }
    Norm norm = norm(parts, "model.norm");
    Linear head = sizes.head(parts, table, Bias.NO);
    return new Decoder(
        parts, body, new Decoder.Top(norm, head, 0f), sizes.ofDecoder(contextLength()));
  }

  private Norm norm(ModelParts parts, String name) {
    return parts.layerNorm(
        name, sizes.hidden(), sizes.eps(), Bias.YES, "hidden_size " + sizes.hidden());
  }

  private Block block(ModelParts parts, Rope positions, int layer) {
    String prefix = "model.layers." + layer + ".";
    Norm beforeAttention = norm(parts, prefix + "input_layernorm");
    Attention attention = attention(parts, positions, layer, prefix + "self_attn.");
    if (parallel) {
      return new Block.Parallel(
          beforeAttention, attention, Optional.empty(), mlp(parts, prefix + "mlp."));
    }
    Norm beforeMlp = norm(parts, prefix + "post_attention_layernorm");
    return new Block.Sequential(beforeAttention, attention, beforeMlp, mlp(parts, prefix + "mlp."));
  }

  private Attention attention(ModelParts parts, Rope positions, int layer, String prefix) {
    int hidden = sizes.hidden();
    int queries = sizes.heads() * sizes.headDim();
    int keys = sizes.kvHeads() * sizes.headDim();
    Separate in =
        new Separate(
            parts.linear(prefix + "q_proj", hidden, queries, qkvBias, sizes.queryShape()),
            parts.linear(prefix + "k_proj", hidden, keys, qkvBias, sizes.keyShape()),
            parts.linear(prefix + "v_proj", hidden, keys, qkvBias, sizes.keyShape()));
    Linear out = parts.linear(prefix + "o_proj", queries, hidden, Bias.NO, sizes.queryShape());
    Optional<HeadNorms> norms =
        headNorms
            ? Optional.of(
                new HeadNorms(
                    norms(parts, prefix + "q_layernorm", sizes.heads()),
                    norms(parts, prefix + "k_layernorm", sizes.kvHeads())))
            : Optional.empty();
    return new Attention(layer, sizes.attention(0), in, norms, Optional.of(positions), out);
  }

  private Norm norms(ModelParts parts, String name, int heads) {
    List<Norm> norms = new ArrayList<>();
    for (int head = 0; head < heads; head++) {
      norms.add(
          parts.layerNorm(
              name + ".norms." + head,
              sizes.headDim(),
              sizes.eps(),
              Bias.NO,
              "qk_layernorm true, head_dim " + sizes.headDim()));
    }
    return new PerHeadNorm(norms, sizes.headDim());
  }

  private GatedMlp mlp(ModelParts parts, String prefix) {
    int hidden = sizes.hidden();
    int inner = sizes.inner();
    String shape = sizes.mlpShape();
    return new GatedMlp(
        parts.linear(prefix + "gate_proj", hidden, inner, Bias.NO, shape),
        parts.linear(prefix + "up_proj", hidden, inner, Bias.NO, shape),
        parts.linear(prefix + "down_proj", inner, hidden, Bias.NO, shape),
        activation);
  }
}
