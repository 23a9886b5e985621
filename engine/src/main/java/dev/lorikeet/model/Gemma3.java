package dev.lorikeet.model;

import dev.lorikeet.format.JsonConfig;
import dev.lorikeet.model.Architecture.Blueprint;
import dev.lorikeet.model.RopeScaling.Plain;
import java.util.List;
import java.util.Optional;

/**
 * Gemma 3, the part that reads text (Gemma Team 2025): Gemma 2 with norms of every query and key
 * head and other rotary positions in layers with a window.
 */
record Gemma3(Gemma gemma) implements Blueprint {
  /** The reference writes {@code _sliding_window_pattern} beside the types of layers. */
  static final List<String> HARMLESS = List.of("hidden_act", "_sliding_window_pattern");

  private static final int DEFAULT_CONTEXT = 131_072;
  private static final int DEFAULT_PATTERN = 6;
  private static final double GLOBAL_THETA = 1_000_000;
  private static final double LOCAL_THETA = 10_000;

  static Gemma3 read(JsonConfig json) {
    ConfigReader reader = new ConfigReader(json);
    Gemma.Sizes sizes = Gemma.Sizes.read(reader, DEFAULT_CONTEXT);
    int pattern = reader.positive("sliding_window_pattern", DEFAULT_PATTERN);
    List<Boolean> sliding = reader.sliding(sizes.layers(), layer -> (layer + 1) % pattern != 0);
    return new Gemma3(
        new Gemma(
            sizes,
            // The reference reads a cap of scores and does not use it.
            new Gemma.Caps(0f, Gemma.Caps.read(reader, 0, 0).logits()),
            sliding,
            ropes(json, sizes.context()),
            Optional.of("head_dim " + sizes.headDim())));
  }

  /** Positions of layers with a window and without. */
  private static ByReach<RopeScaling> ropes(JsonConfig json, int context) {
    double global = json.optDouble("rope_theta", GLOBAL_THETA);
    double local = json.optDouble("rope_local_base_freq", LOCAL_THETA);
    Optional<JsonConfig> nested = json.object("rope_parameters");
    if (nested.isPresent()) {
      return new ByReach<>(
          nested(json, nested.get(), "sliding_attention", local, context),
          nested(json, nested.get(), "full_attention", global, context));
    }
    RopeScaling full =
        json.object("rope_scaling")
            .map(scaling -> new RopeKeys(json, scaling, global).scaling(context))
            .orElseGet(() -> new Plain(global));
    return new ByReach<>(new Plain(local), full);
  }

  private static RopeScaling nested(
      JsonConfig json, JsonConfig parameters, String layerType, double theta, int context) {
    return parameters
        .object(layerType)
        .map(scaling -> new RopeKeys(json, scaling, theta).scaling(context))
        .orElseGet(() -> new Plain(theta));
  }

  @Override
  public int contextLength() {
    return gemma.sizes().context();
  }

  @Override
  public CausalLm build(ModelParts parts) {
    return gemma.build(parts);
  }
}
