package dev.lorikeet.model;

import dev.lorikeet.format.JsonConfig;
import dev.lorikeet.model.Architecture.Blueprint;
import dev.lorikeet.nn.DenseLinear.Bias;
import java.util.List;
import java.util.OptionalInt;

/**
 * Qwen2 and Qwen2.5 (Yang et al. 2024): Llama with biases of queries, keys and values.
 *
 * @param windows tokens that each layer sees, 0 for all
 */
record Qwen2(Llama.Sizes sizes, RopeScaling rope, List<Integer> windows) implements Blueprint {
  private static final int DEFAULT_CONTEXT = 32_768;
  private static final int DEFAULT_KV_HEADS = 32;

  static Qwen2 read(JsonConfig json) {
    ConfigReader reader = new ConfigReader(json);
    Llama.Sizes sizes = Llama.Sizes.read(reader, OptionalInt.of(DEFAULT_KV_HEADS), DEFAULT_CONTEXT);
    reader.requireSilu();
    return new Qwen2(
        sizes, RopeKeys.read(json, sizes.context()), QwenWindow.read(reader, sizes.layers()));
  }

  @Override
  public int contextLength() {
    return rope.reach(sizes.context());
  }

  @Override
  public CausalLm build(ModelParts parts) {
    Llama.Biases biases = new Llama.Biases(Bias.YES, Bias.NO, Bias.NO);
    return new Llama(sizes, biases, rope, layer -> sizes.attention(windows.get(layer)))
        .build(parts);
  }
}
