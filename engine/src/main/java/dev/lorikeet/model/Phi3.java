package dev.lorikeet.model;

import dev.lorikeet.format.JsonConfig;
import dev.lorikeet.kernel.Activation;
import dev.lorikeet.model.Architecture.Blueprint;
import dev.lorikeet.nn.Attention;
import dev.lorikeet.nn.Block;
import dev.lorikeet.nn.DenseLinear.Bias;
import dev.lorikeet.nn.FusedGatedMlp;
import dev.lorikeet.nn.Linear;
import dev.lorikeet.nn.Norm;
import dev.lorikeet.nn.Projections.Fused;
import dev.lorikeet.nn.Rope;
import dev.lorikeet.tape.Parameter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Phi-3, Phi-3.5 and Phi-4-mini (Abdin et al. 2024): Llama with one map for queries, keys and
 * values and one for gate and up, a window, and LongRoPE.
 *
 * @param rotary turned columns of a head
 * @param window tokens that a layer sees, 0 for all
 */
record Phi3(Llama.Sizes sizes, Activation activation, RopeScaling rope, int rotary, int window)
    implements Blueprint {
  private static final int DEFAULT_CONTEXT = 4096;
  private static final double DEFAULT_EPS = 1e-5;

  static Phi3 read(JsonConfig json) {
    ConfigReader reader = new ConfigReader(json);
    Llama.Sizes sizes =
        Llama.Sizes.read(reader, OptionalInt.empty(), DEFAULT_CONTEXT)
            .withEps(json.optDouble("rms_norm_eps", DEFAULT_EPS));
    RopeKeys rope = RopeKeys.of(json);
    return new Phi3(
        sizes,
        reader.activation("hidden_act", "silu"),
        rope(rope, sizes.context()),
        rope.rotary(sizes.headDim(), "partial_rotary_factor", 1),
        reader.window("sliding_window", 0));
  }

  /** Early Phi-3 files say "yarn" and mean LongRoPE. */
  private static RopeScaling rope(RopeKeys rope, int context) {
    double original = rope.original(DEFAULT_CONTEXT);
    return switch (rope.type()) {
      case "default" -> rope.scaling(context);
      case "longrope", "su", "yarn" -> rope.longRope(context, original);
      default -> throw rope.unknown(rope.type());
    };
  }

  @Override
  public int contextLength() {
    return sizes.context();
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
    return parts.rmsNorm(name, sizes.hidden(), sizes.eps(), "hidden_size " + sizes.hidden());
  }

  private Block block(ModelParts parts, Rope positions, int layer) {
    String prefix = "model.layers." + layer + ".";
    int hidden = sizes.hidden();
    int inner = sizes.inner();
    int queries = sizes.heads() * sizes.headDim();
    int keys = sizes.kvHeads() * sizes.headDim();
    Norm beforeAttention = norm(parts, prefix + "input_layernorm");
    Linear qkv =
        parts.linear(
            prefix + "self_attn.qkv_proj",
            hidden,
            queries + 2 * keys,
            Bias.NO,
            sizes.queryShape() + ", " + sizes.keyShape());
    Linear out =
        parts.linear(prefix + "self_attn.o_proj", queries, hidden, Bias.NO, sizes.queryShape());
    Attention attention =
        new Attention(
            layer,
            sizes.attention(window),
            Fused.inOrder(qkv, queries, keys),
            Optional.empty(),
            Optional.of(positions),
            out);
    Norm beforeMlp = norm(parts, prefix + "post_attention_layernorm");
    FusedGatedMlp mlp =
        new FusedGatedMlp(
            parts.linear(prefix + "mlp.gate_up_proj", hidden, 2 * inner, Bias.NO, sizes.mlpShape()),
            parts.linear(prefix + "mlp.down_proj", inner, hidden, Bias.NO, sizes.mlpShape()),
            activation);
    return new Block.Sequential(beforeAttention, attention, beforeMlp, mlp);
  }
}
