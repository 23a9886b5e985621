package dev.lorikeet.adapter;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.format.PeftNames;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Settings of a LoRA adapter.
 *
 * @param r rank, at least 1
 * @param alpha numerator of the scale, greater than 0
 * @param rankStabilised scale alpha/√r instead of alpha/r
 * @param dropout share of the adapter's input dropped in training, 0 ≤ dropout &lt; 1
 * @param targets which maps are adapted
 * @param rankPattern ranks of single maps, found by {@link PeftNames#pattern}
 * @param alphaPattern numerators of single maps, found the same way
 * @param modulesToSave modules trained as a whole, found by {@link PeftNames#saves}
 * @param start values before the first step
 * @param useDora whether rows have a trained magnitude, see {@link Dora}
 */
public record LoraSettings(
    int r,
    double alpha,
    boolean rankStabilised,
    double dropout,
    Targets targets,
    Map<String, Integer> rankPattern,
    Map<String, Double> alphaPattern,
    List<String> modulesToSave,
    LoraStart start,
    boolean useDora) {

  public LoraSettings {
    rankPattern = Collections.unmodifiableMap(new LinkedHashMap<>(rankPattern));
    alphaPattern = Collections.unmodifiableMap(new LinkedHashMap<>(alphaPattern));
    modulesToSave = List.copyOf(modulesToSave);
    if (r < 1 || !(alpha > 0) || !(dropout >= 0 && dropout < 1)) {
      throw new ConfigException(
          "adapter settings",
          List.of("r " + r + ", lora_alpha " + alpha + ", lora_dropout " + dropout));
    }
    if (useDora && start.splitsBase()) {
      throw new ConfigException(
          "an adapter with row magnitudes cannot start as PiSSA: what it takes from the base could not be given back in a plain adapter; use another start, or no magnitudes");
    }
  }

  /** The same settings for every map, and nothing trained as a whole. */
  public LoraSettings(
      int r, double alpha, boolean rankStabilised, double dropout, Targets targets) {
    this(
        r,
        alpha,
        rankStabilised,
        dropout,
        targets,
        Map.of(),
        Map.of(),
        List.of(),
        LoraStart.UNIFORM,
        false);
  }

  /** Settings without trained magnitudes. */
  public LoraSettings(
      int r,
      double alpha,
      boolean rankStabilised,
      double dropout,
      Targets targets,
      Map<String, Integer> rankPattern,
      Map<String, Double> alphaPattern,
      List<String> modulesToSave,
      LoraStart start) {
    this(
        r,
        alpha,
        rankStabilised,
        dropout,
        targets,
        rankPattern,
        alphaPattern,
        modulesToSave,
        start,
        false);
  }

  /** The same with trained magnitudes: DoRA. */
  public LoraSettings withDora() {
    return new LoraSettings(
        r,
        alpha,
        rankStabilised,
        dropout,
        targets,
        rankPattern,
        alphaPattern,
        modulesToSave,
        start,
        true);
  }

  /** The settings of one map: the patterns are resolved. */
  public LoraSettings forModule(String name) {
    return new LoraSettings(
        PeftNames.pattern(rankPattern, name).orElse(r),
        PeftNames.pattern(alphaPattern, name).orElse(alpha),
        rankStabilised,
        dropout,
        targets,
        Map.of(),
        Map.of(),
        modulesToSave,
        start,
        useDora);
  }

  /** s of y = base(x) + s·x·Aᵀ·Bᵀ where no pattern says otherwise. */
  public double scale() {
    return alpha / (rankStabilised ? Math.sqrt(r) : r);
  }

  /** Refuses a pattern that means none of the adapted maps. */
  void requirePatternsMatch(List<String> adapted) {
    requireMatch("adapter.rank_pattern", rankPattern, adapted);
    requireMatch("adapter.alpha_pattern", alphaPattern, adapted);
  }

  private static void requireMatch(String key, Map<String, ?> patterns, List<String> adapted) {
    List<String> unmatched =
        patterns.keySet().stream()
            .filter(pattern -> adapted.stream().noneMatch(n -> PeftNames.matches(pattern, n)))
            .toList();
    if (!unmatched.isEmpty()) {
      throw new ConfigException(
          "%s %s: no adapted module has a name that ends so; there are %s."
              .formatted(key, unmatched, Targets.endings(adapted)));
    }
  }
}
