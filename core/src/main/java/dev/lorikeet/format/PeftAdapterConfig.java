package dev.lorikeet.format;

import dev.lorikeet.error.FormatException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Contents of PEFT's {@code adapter_config.json}; each component is the key of the same name in
 * snake_case. Empty lists, maps and optionals stand for PEFT's null.
 *
 * @param peftType technique; LORA is the only one read
 * @param r rank of the update, at least 1
 * @param loraAlpha numerator of the scale, above 0: alpha/r, or alpha/√r with {@code useRslora}
 * @param loraDropout probability in [0, 1) of dropping an input of A while training
 * @param targetModules where the adapter goes
 * @param excludeModules full names or endings that stay without adapter, or one expression
 * @param bias "none", "all" or "lora_only"
 * @param useRslora scale by alpha/√r
 * @param useDora weight-decomposed update
 * @param modulesToSave modules trained as a whole, by {@link PeftNames#saves}
 * @param rankPattern ranks of single modules; the first key that matches counts
 * @param alphaPattern alphas of single modules, found the same way
 * @param layersToTransform indices of the only layers with adapters; empty means all
 * @param layersPattern names of the list that holds the layers
 * @param fanInFanOut weights stored as [in, out]
 * @param initLoraWeights "true", "false" or the name of an initialisation
 * @param baseModelNameOrPath what the adapter was trained on
 * @param revision revision of the base model
 * @param taskType PEFT's task, CAUSAL_LM for language models
 * @param inferenceMode PEFT loads the adapter frozen
 * @param peftVersion version of PEFT whose layout this is
 */
public record PeftAdapterConfig(
    String peftType,
    int r,
    double loraAlpha,
    double loraDropout,
    Optional<TargetModules> targetModules,
    Optional<TargetModules> excludeModules,
    String bias,
    boolean useRslora,
    boolean useDora,
    List<String> modulesToSave,
    Map<String, Integer> rankPattern,
    Map<String, Double> alphaPattern,
    List<Integer> layersToTransform,
    List<String> layersPattern,
    boolean fanInFanOut,
    String initLoraWeights,
    Optional<String> baseModelNameOrPath,
    Optional<String> revision,
    Optional<String> taskType,
    boolean inferenceMode,
    Optional<String> peftVersion) {

  /** Name of the file in an adapter folder. */
  public static final String FILE_NAME = "adapter_config.json";

  /** The PEFT release whose keys and meanings are written. */
  public static final String WRITTEN_PEFT_VERSION = "0.21.0";

  /** Copies the collections and checks the ranges. */
  public PeftAdapterConfig {
    modulesToSave = List.copyOf(modulesToSave);
    rankPattern = Collections.unmodifiableMap(new LinkedHashMap<>(rankPattern));
    alphaPattern = Collections.unmodifiableMap(new LinkedHashMap<>(alphaPattern));
    layersToTransform = List.copyOf(layersToTransform);
    layersPattern = List.copyOf(layersPattern);
    if (r < 1 || !(loraAlpha > 0) || !(loraDropout >= 0 && loraDropout < 1)) {
      throw new IllegalStateException(
          "r %d, lora_alpha %s or lora_dropout %s is out of range"
              .formatted(r, loraAlpha, loraDropout));
    }
  }

  /**
   * A plain LoRA adapter for a causal language model; everything else as PEFT's defaults.
   *
   * @param baseModel name or path of the model that it was trained on
   */
  public static PeftAdapterConfig lora(
      int r, double loraAlpha, double loraDropout, TargetModules targetModules, String baseModel) {
    return new PeftAdapterConfig(
        PeftConfigFile.LORA,
        r,
        loraAlpha,
        loraDropout,
        Optional.of(targetModules),
        Optional.empty(),
        "none",
        false,
        false,
        List.of(),
        Map.of(),
        Map.of(),
        List.of(),
        List.of(),
        false,
        "true",
        Optional.of(baseModel),
        Optional.empty(),
        Optional.of("CAUSAL_LM"),
        true,
        Optional.of(WRITTEN_PEFT_VERSION));
  }

  /**
   * This configuration with rank-stabilised scaling, alpha/√r.
   *
   * @see <a href="https://arxiv.org/abs/2312.03732">Kalajdzievski 2023</a>
   */
  public PeftAdapterConfig rankStabilised() {
    return with(true, useDora);
  }

  /**
   * This configuration with trained magnitudes, {@code use_dora}.
   *
   * @see <a href="https://arxiv.org/abs/2402.09353">Liu et al. 2024</a>
   */
  public PeftAdapterConfig decomposed() {
    return with(useRslora, true);
  }

  private PeftAdapterConfig with(boolean rankStabilised, boolean magnitudes) {
    return new PeftAdapterConfig(
        peftType,
        r,
        loraAlpha,
        loraDropout,
        targetModules,
        excludeModules,
        bias,
        rankStabilised,
        magnitudes,
        modulesToSave,
        rankPattern,
        alphaPattern,
        layersToTransform,
        layersPattern,
        fanInFanOut,
        initLoraWeights,
        baseModelNameOrPath,
        revision,
        taskType,
        inferenceMode,
        peftVersion);
  }

  /** The rank of one module. */
  public int rankOf(String module) {
    return PeftNames.pattern(rankPattern, module).orElse(r);
  }

  /** Factor of b·a where no pattern says otherwise: alpha/r, or alpha/√r with use_rslora. */
  public double scale() {
    return loraAlpha / (useRslora ? Math.sqrt(r) : r);
  }

  /**
   * Reads {@code adapter_config.json}; unknown keys are tolerated.
   *
   * @throws FormatException if the file is missing, damaged, of another peft_type, or asks for
   *     features that would change the adapter's meaning and are not supported; all at once
   */
  public static PeftAdapterConfig read(Path file) {
    return PeftConfigFile.read(file);
  }

  /** The file's text: every key of PEFT's, sorted, as PEFT writes them. */
  public String toJson() {
    return JsonFile.MAPPER.writeValueAsString(PeftConfigFile.toNode(this)) + "\n";
  }
}
