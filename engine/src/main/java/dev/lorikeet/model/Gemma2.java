package dev.lorikeet.model;

import dev.lorikeet.format.JsonConfig;
import dev.lorikeet.model.Architecture.Blueprint;
import java.util.List;
import java.util.Optional;

/**
 * Gemma 2 (Gemma Team 2024): norms around attention and MLP with factors 1 + w, an embedding scaled
 * by √hidden, soft caps of scores and logits, windows in every second layer.
 */
record Gemma2(Gemma gemma) implements Blueprint {
  private static final int DEFAULT_CONTEXT = 8192;
  private static final double DEFAULT_SCORE_CAP = 50;
  private static final double DEFAULT_LOGIT_CAP = 30;

  static Gemma2 read(JsonConfig json) {
    ConfigReader reader = new ConfigReader(json);
    Gemma.Sizes sizes = Gemma.Sizes.read(reader, DEFAULT_CONTEXT);
    RopeScaling rope = RopeKeys.read(json, sizes.context());
    List<Boolean> sliding = reader.sliding(sizes.layers(), layer -> layer % 2 == 0);
    return new Gemma2(
        new Gemma(
            sizes,
            Gemma.Caps.read(reader, DEFAULT_SCORE_CAP, DEFAULT_LOGIT_CAP),
            sliding,
            ByReach.same(rope),
            Optional.empty()));
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
