package dev.lorikeet.adapter;

import dev.lorikeet.error.ConfigException;
import java.util.List;

/**
 * Settings of a LoRA adapter.
 *
 * @param r rank, at least 1
 * @param alpha numerator of the scale, greater than 0
 * @param rankStabilised scale alpha/√r instead of alpha/r
 * @param dropout share of the adapter's input dropped in training, 0 ≤ dropout &lt; 1
 * @param targets which maps are adapted
 * @param useDora whether rows have a trained magnitude, see {@link Dora}
 */
public record LoraSettings(
    int r, double alpha, boolean rankStabilised, double dropout, Targets targets, boolean useDora) {

  /** Settings without trained magnitudes. */
  public LoraSettings(
      int r, double alpha, boolean rankStabilised, double dropout, Targets targets) {
    this(r, alpha, rankStabilised, dropout, targets, false);
  }

  public LoraSettings {
    if (r < 1 || !(alpha > 0) || !(dropout >= 0 && dropout < 1)) {
      throw new ConfigException(
          "adapter settings",
          List.of("r " + r + ", lora_alpha " + alpha + ", lora_dropout " + dropout));
    }
  }

  /** The same with trained magnitudes: DoRA. */
  public LoraSettings withDora() {
    return new LoraSettings(r, alpha, rankStabilised, dropout, targets, true);
  }

  /** s of y = base(x) + s·x·Aᵀ·Bᵀ. */
  public double scale() {
    return alpha / (rankStabilised ? Math.sqrt(r) : r);
  }
}
