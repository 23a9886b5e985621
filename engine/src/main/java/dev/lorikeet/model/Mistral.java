package dev.lorikeet.model;

import dev.lorikeet.format.JsonConfig;
import dev.lorikeet.model.Architecture.Blueprint;
import java.util.OptionalInt;

/**
 * Mistral (Jiang et al. 2023): Llama whose layers may look back only as far as a window.
 *
 * @param window tokens, 0 for all
 */
record Mistral(Llama.Sizes sizes, RopeScaling rope, int window) implements Blueprint {
  private static final int DEFAULT_CONTEXT = 131_072;
  private static final int DEFAULT_WINDOW = 4096;
  private static final int DEFAULT_KV_HEADS = 8;

  static Mistral read(JsonConfig json) {
    ConfigReader reader = new ConfigReader(json);
    Llama.Sizes sizes = Llama.Sizes.read(reader, OptionalInt.of(DEFAULT_KV_HEADS), DEFAULT_CONTEXT);
    reader.requireSilu();
    return new Mistral(
        sizes,
        RopeKeys.read(json, sizes.context()),
        reader.window("sliding_window", DEFAULT_WINDOW));
  }

  @Override
  public int contextLength() {
    return rope.reach(sizes.context());
  }

  @Override
  public CausalLm build(ModelParts parts) {
    return new Llama(sizes, Llama.Biases.NONE, rope, _ -> sizes.attention(window)).build(parts);
  }
}
