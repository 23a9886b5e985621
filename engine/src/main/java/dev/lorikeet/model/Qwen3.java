package dev.lorikeet.model;

import dev.lorikeet.format.JsonConfig;
import dev.lorikeet.model.Architecture.Blueprint;
import dev.lorikeet.nn.DenseLinear.Bias;
import java.util.List;
import java.util.OptionalInt;

/**
 * Qwen3 (Yang et al. 2025): Llama with norms of every query and key head.
 *
 * @param attentionBias whether q, k, v and o have biases
 * @param windows tokens that each layer sees, 0 for all
 */
record Qwen3(Llama.Sizes sizes, RopeScaling rope, Bias attentionBias, List<Integer> windows)
    implements Blueprint {
  private static final int DEFAULT_CONTEXT = 32_768;
  private static final int DEFAULT_KV_HEADS = 32;

  static Qwen3 read(JsonConfig json) {
    ConfigReader reader = new ConfigReader(json);
    json.requiredInt("head_dim");
    Llama.Sizes sizes = Llama.Sizes.read(reader, OptionalInt.of(DEFAULT_KV_HEADS), DEFAULT_CONTEXT);
    reader.requireSilu();
    return new Qwen3(
        sizes,
        RopeKeys.read(json, sizes.context()),
        Bias.of(json.optBoolean("attention_bias", false)),
        QwenWindow.read(reader, sizes.layers()));
  }

  @Override
  public int contextLength() {
    return rope.reach(sizes.context());
  }

  @Override
  public CausalLm build(ModelParts parts) {
    Llama.Biases biases = new Llama.Biases(attentionBias, attentionBias, Bias.NO);
    return new Llama(sizes, biases, rope, layer -> sizes.attention(windows.get(layer)), true)
        .build(parts);
  }
}
