package dev.lorikeet.model;

import dev.lorikeet.format.JsonConfig;
import dev.lorikeet.kernel.Activation;
import dev.lorikeet.kernel.AttentionShape;
import dev.lorikeet.model.Architecture.Blueprint;
import dev.lorikeet.nn.Attention;
import dev.lorikeet.nn.Block;
import dev.lorikeet.nn.DenseLinear.Bias;
import dev.lorikeet.nn.Linear;
import dev.lorikeet.nn.Mlp;
import dev.lorikeet.nn.Norm;
import dev.lorikeet.nn.Projections.Fused;
import dev.lorikeet.tape.Parameter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * GPT-2 (Radford et al. 2019): a learned vector for every position, layer norms, one map for
 * queries, keys and values. Its files hold the weights of linear maps with inputs first.
 *
 * @param scaled whether scores are divided by √head size
 * @param byLayer whether scores are also divided by the number of the layer, from 1
 */
record Gpt2(Llama.Sizes sizes, Activation activation, boolean scaled, boolean byLayer)
    implements Blueprint {

  /** Keys of heads for other tasks. */
  static final List<String> HARMLESS =
      List.of(
          "n_ctx",
          "reorder_and_upcast_attn",
          "summary_activation",
          "summary_first_dropout",
          "summary_proj_to_labels",
          "summary_type",
          "summary_use_proj");

  private static final String PREFIX = "transformer.";
  private static final int DEFAULT_CONTEXT = 1024;
  private static final double DEFAULT_EPS = 1e-5;

  static Gpt2 read(JsonConfig json) {
    ConfigReader reader = new ConfigReader(json);
    reader.requireOff("add_cross_attention", "attention to an encoder");
    int hidden = reader.positive("n_embd");
    int heads = reader.positive("n_head");
    if (hidden % heads != 0) {
      throw json.wrong("n_embd", "a multiple of n_head " + heads);
    }
    Llama.Sizes sizes =
        new Llama.Sizes(
            hidden,
            reader.positive("n_inner", 4 * hidden),
            reader.positive("n_layer"),
            heads,
            heads,
            hidden / heads,
            reader.positive("vocab_size"),
            reader.positive("n_positions", DEFAULT_CONTEXT),
            json.optDouble("layer_norm_epsilon", DEFAULT_EPS),
            json.optBoolean("tie_word_embeddings", true));
    return new Gpt2(
        sizes,
        reader.activation("activation_function", "gelu_new"),
        json.optBoolean("scale_attn_weights", true),
        json.optBoolean("scale_attn_by_inverse_layer_idx", false));
  }

  @Override
  public int contextLength() {
    return sizes.context();
  }

  @Override
  public boolean storedInputFirst(String name) {
    return name.endsWith(".c_attn.weight")
        || name.endsWith(".c_proj.weight")
        || name.endsWith(".c_fc.weight");
  }

  @Override
  public CausalLm build(ModelParts parts) {
    String shape = "vocab_size %d, n_embd %d".formatted(sizes.vocabulary(), sizes.hidden());
    Parameter table =
        parts.parameter(PREFIX + "wte.weight", shape, sizes.vocabulary(), sizes.hidden());
    String placesShape = "n_positions %d, n_embd %d".formatted(sizes.context(), sizes.hidden());
    Parameter places =
        parts.parameter(PREFIX + "wpe.weight", placesShape, sizes.context(), sizes.hidden());
    List<Block> blocks = new ArrayList<>();
    Decoder.Body body =
        new Decoder.Body(parts.embedding(PREFIX + "wte", table), 1f, Optional.of(places), blocks);
    for (int layer = 0; layer < sizes.layers(); layer++) {
      blocks.add(block(parts, layer));
    }
    Norm norm = norm(parts, PREFIX + "ln_f");
    Linear head = sizes.head(parts, table, Bias.NO);
    return new Decoder(
        parts, body, new Decoder.Top(norm, head, 0f), sizes.ofDecoder(contextLength()));
  }

  private Norm norm(ModelParts parts, String name) {
    return parts.layerNorm(name, sizes.hidden(), sizes.eps(), Bias.YES, "n_embd " + sizes.hidden());
  }

  private Block block(ModelParts parts, int layer) {
    String prefix = PREFIX + "h." + layer + ".";
    int hidden = sizes.hidden();
    int inner = sizes.inner();
    String shape = "n_embd " + hidden;
    Norm beforeAttention = norm(parts, prefix + "ln_1");
    Linear qkv = parts.linear(prefix + "attn.c_attn", hidden, 3 * hidden, Bias.YES, shape);
    Linear out = parts.linear(prefix + "attn.c_proj", hidden, hidden, Bias.YES, shape);
    Attention attention =
        new Attention(
            layer,
            attention(layer),
            Fused.inOrder(qkv, hidden, hidden),
            Optional.empty(),
            Optional.empty(),
            out);
    Norm beforeMlp = norm(parts, prefix + "ln_2");
    String innerShape = "n_inner %d, n_embd %d".formatted(inner, hidden);
    Mlp mlp =
        new Mlp(
            parts.linear(prefix + "mlp.c_fc", hidden, inner, Bias.YES, innerShape),
            parts.linear(prefix + "mlp.c_proj", inner, hidden, Bias.YES, innerShape),
            activation);
    return new Block.Sequential(beforeAttention, attention, beforeMlp, mlp);
  }

  private AttentionShape attention(int layer) {
    double scale = scaled ? 1 / Math.sqrt(sizes.headDim()) : 1;
    return new AttentionShape(
        sizes.heads(),
        sizes.kvHeads(),
        sizes.headDim(),
        (float) (byLayer ? scale / (layer + 1) : scale),
        0,
        0f);
  }
}
