package dev.lorikeet.config;

import dev.lorikeet.config.AdapterSettings.Technique;
import dev.lorikeet.config.ModelSettings.Dtype;
import dev.lorikeet.config.ModelSettings.Quantization;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Everything a run is told, validated once. Components carry the recipe's keys in camelCase.
 *
 * <p>Relative paths start at the working directory of the process.
 *
 * @param device {@code auto}, {@code cpu}, {@code cuda} or {@code cuda:N}; whether the device
 *     exists is known only when the run starts
 */
public record RunConfig(
    ModelSettings model,
    AdapterSettings adapter,
    DataSettings data,
    TrainSettings train,
    OutputSettings output,
    @Default("auto") String device) {

  private static final Pattern DEVICE = Pattern.compile("auto|cpu|cuda(:\\d{1,3})?");

  public RunConfig {
    new Check()
        .require(
            DEVICE.matcher(device).matches(),
            "device must be auto, cpu, cuda or cuda:N, found " + device)
        .require(
            adapter.technique() != Technique.FULL || !quantised(model.quantization()),
            "model.quantization: %s holds frozen weights in few bits, but adapter.technique: full trains the weights themselves; use technique qlora, or quantization none"
                .formatted(model.quantization().spelling()))
        .require(
            !adapter.technique().overQuantised() || model.quantization() != Quantization.NONE,
            "model.quantization: none contradicts adapter.technique: %s, which trains an adapter over a quantised base; use technique %s, or leave model.quantization out"
                .formatted(
                    adapter.technique().spelling(), adapter.technique().spelling().substring(1)))
        .require(
            !changesBase(adapter) || !model.dtype().half(),
            "model.dtype: %s cannot hold the base that adapter.init_lora_weights: pissa leaves, which is rounded to float32; leave model.dtype out, or use another start"
                .formatted(model.dtype().spelling()))
        .require(
            !(adapter.initLoraWeights() instanceof InitLoraWeights.Loftq)
                || quantised(held(model, adapter)),
            "adapter.init_lora_weights: loftq starts from what quantisation loses, but the base is"
                + " not quantised; use technique qlora or qdora, or set model.quantization")
        .done("run settings");
  }

  /** What the linear maps of the blocks are held in: never {@link Quantization#AUTO}. */
  public Quantization baseQuantization() {
    return held(model, adapter);
  }

  private static Quantization held(ModelSettings model, AdapterSettings adapter) {
    if (model.quantization() != Quantization.AUTO) {
      return model.quantization();
    }
    return adapter.technique().overQuantised() ? Quantization.NF4 : Quantization.NONE;
  }

  /**
   * What the base weights are held in, but those that are quantised: {@link Dtype#AUTO} only where
   * it means what the checkpoint stores. A base that PiSSA changes is held in float32.
   */
  public Dtype baseDtype() {
    return changesBase(adapter) ? Dtype.FLOAT32 : model.dtype();
  }

  private static boolean changesBase(AdapterSettings adapter) {
    return adapter.initLoraWeights() instanceof InitLoraWeights.Pissa;
  }

  private static boolean quantised(Quantization quantization) {
    return switch (quantization) {
      case AUTO, NONE -> false;
      case NF4, FP4, INT8 -> true;
    };
  }

  /** The defaults with the two settings that have none. */
  public static RunConfig of(String modelPath, Path train) {
    return Recipe.parse(
        "model: {path: "
            + RecipeWriter.quoted(modelPath)
            + "}\ndata: {train: "
            + RecipeWriter.quoted(train.toString())
            + "}\n",
        "settings",
        List.of());
  }

  /**
   * This configuration with some keys changed, written as on the command line: {@code
   * with("train.epochs=2", "adapter.r=16")}.
   *
   * @throws dev.lorikeet.error.ConfigException with every problem of the changes
   */
  public RunConfig with(String... overrides) {
    return Recipe.parse(toYaml(), "settings", List.of(overrides));
  }

  /** This configuration with other places that the training records come from. */
  public RunConfig withSources(List<SourceSettings> sources) {
    return with(
        "data.train=null",
        "data.id=null",
        "data.revision=" + ModelSettings.MAIN,
        "data.files=[]",
        "data.query=null",
        "data.sources=" + RecipeWriter.text(sources));
  }

  /** The recipe with every key; parsing it gives an equal configuration. */
  public String toYaml() {
    return RecipeWriter.write(this);
  }
}
