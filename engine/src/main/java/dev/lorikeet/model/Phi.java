package dev.lorikeet.model;

import dev.lorikeet.format.JsonConfig;
import dev.lorikeet.kernel.Activation;
import dev.lorikeet.model.Architecture.Blueprint;
import dev.lorikeet.nn.Attention;
import dev.lorikeet.nn.Attention.HeadNorms;
import dev.lorikeet.nn.Block;
import dev.lorikeet.nn.DenseLinear.Bias;
import dev.lorikeet.nn.Linear;
import dev.lorikeet.nn.Mlp;
import dev.lorikeet.nn.Norm;
import dev.lorikeet.nn.Projections.Separate;
import dev.lorikeet.nn.Rope;
import dev.lorikeet.tape.Parameter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Phi-1, Phi-1.5 and Phi-2 (Li et al. 2023): attention and MLP side by side on one layer norm,
 * positions on a share of every head, biases everywhere.
 *
 * @param eps ε of the norms
 * @param rotary turned columns of a head
 * @param headNorms whether queries and keys are normed, head by head
 */
record Phi(
    Llama.Sizes sizes,
    double eps,
    Activation activation,
    RopeScaling rope,
    int rotary,
    boolean headNorms)
    implements Blueprint {
  private static final int DEFAULT_CONTEXT = 2048;
  private static final double DEFAULT_EPS = 1e-5;
  private static final double DEFAULT_SHARE = 0.5;

  static Phi read(JsonConfig json) {
    ConfigReader reader = new ConfigReader(json);
    Llama.Sizes sizes = Llama.Sizes.read(reader, OptionalInt.empty(), DEFAULT_CONTEXT);
    RopeKeys rope = RopeKeys.of(json);
    return new Phi(
        sizes,
        json.optDouble("layer_norm_eps", DEFAULT_EPS),
        reader.activation("hidden_act", "gelu_new"),
        rope.scaling(sizes.context()),
        rope.evenRotary(sizes.headDim(), "partial_rotary_factor", DEFAULT_SHARE),
        json.optBoolean("qk_layernorm", false));
  }

  @Override
  public int contextLength() {
    return rope.reach(sizes.context());
  }

  @Override
  public CausalLm build(ModelParts parts) {
    Rope positions = parts.rope(rope, sizes.headDim(), rotary);
    String tableShape = sizes.tableShape();
    Parameter table =
        parts.parameter(
            "model.embed_tokens.weight", tableShape, sizes.vocabulary(), sizes.hidden());
    List<Block> blocks = new ArrayList<>();
    Decoder.Body body = new Decoder.Body(parts.embedding("model.embed_tokens", table), blocks);
    for (int layer = 0; layer < sizes.layers(); layer++) {
      blocks.add(block(parts, positions, layer));
    }
    Norm norm = norm(parts, "model.final_layernorm");
    Linear head = sizes.head(parts, table, Bias.YES);
    return new Decoder(
        parts, body, new Decoder.Top(norm, head, 0f), sizes.ofDecoder(contextLength()));
  }

  private Norm norm(ModelParts parts, String name) {
    return parts.layerNorm(name, sizes.hidden(), eps, Bias.YES, "hidden_size " + sizes.hidden());
  }

  private Block block(ModelParts parts, Rope positions, int layer) {
    String prefix = "model.layers." + layer + ".";
    String attention = prefix + "self_attn.";
    int hidden = sizes.hidden();
    int queries = sizes.heads() * sizes.headDim();
    int keys = sizes.kvHeads() * sizes.headDim();
    Norm norm = norm(parts, prefix + "input_layernorm");
    Separate in =
        new Separate(
            parts.linear(attention + "q_proj", hidden, queries, Bias.YES, sizes.queryShape()),
            parts.linear(attention + "k_proj", hidden, keys, Bias.YES, sizes.keyShape()),
            parts.linear(attention + "v_proj", hidden, keys, Bias.YES, sizes.keyShape()));
    Linear out = parts.linear(attention + "dense", queries, hidden, Bias.YES, sizes.queryShape());
    Attention attended =
        new Attention(
            layer,
            sizes.attention(0),
            in,
            headNorms(parts, attention),
            Optional.of(positions),
            out);
    int inner = sizes.inner();
    Mlp mlp =
        new Mlp(
            parts.linear(prefix + "mlp.fc1", hidden, inner, Bias.YES, sizes.mlpShape()),
            parts.linear(prefix + "mlp.fc2", inner, hidden, Bias.YES, sizes.mlpShape()),
            activation);
    return new Block.Parallel(norm, attended, Optional.empty(), mlp);
  }

  private Optional<HeadNorms> headNorms(ModelParts parts, String prefix) {
    if (!headNorms) {
      return Optional.empty();
    }
    String impliedBy = "qk_layernorm true, head_dim " + sizes.headDim();
    return Optional.of(
        new HeadNorms(
            parts.layerNorm(prefix + "q_layernorm", sizes.headDim(), eps, Bias.YES, impliedBy),
            parts.layerNorm(prefix + "k_layernorm", sizes.headDim(), eps, Bias.YES, impliedBy)));
  }
}
