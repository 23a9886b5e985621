package dev.lorikeet.job;

import dev.lorikeet.adapter.LoraAdapter;
import dev.lorikeet.adapter.LoraSettings;
import dev.lorikeet.config.AdapterSettings;
import dev.lorikeet.config.AdapterSettings.Technique;
import dev.lorikeet.config.ModelSettings.Dtype;
import dev.lorikeet.config.ModuleSelection;
import dev.lorikeet.config.RunConfig;
import dev.lorikeet.error.ConfigException;
import dev.lorikeet.format.BitsAndBytes;
import dev.lorikeet.format.GgufType;
import dev.lorikeet.format.HfCheckpoint;
import dev.lorikeet.format.JsonConfig;
import dev.lorikeet.job.Inspection.Head;
import dev.lorikeet.job.Inspection.Kind;
import dev.lorikeet.job.Inspection.Parameters;
import dev.lorikeet.job.Inspection.Shape;
import dev.lorikeet.job.Inspection.TechniqueCount;
import dev.lorikeet.kernel.AttentionShape;
import dev.lorikeet.model.Architecture;
import dev.lorikeet.model.Architecture.Blueprint;
import dev.lorikeet.model.CausalLm;
import dev.lorikeet.nn.CheckpointWeights;
import dev.lorikeet.nn.Linear;
import dev.lorikeet.nn.ShapeWeights;
import dev.lorikeet.nn.Weights;
import dev.lorikeet.quant.QuantizationScheme;
import dev.lorikeet.quant.QuantizedWeights;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Runs a model's code on shapes alone and counts. */
final class Inspector {
  private static final Pattern LAYER = Pattern.compile("\\.(\\d+)\\.");
  private static final List<String> QUERY_AND_VALUE = List.of("q_proj", "v_proj");

  private final JsonConfig config;
  private final Optional<HfCheckpoint> checkpoint;
  private final QuantizationScheme base;
  private final List<String> warnings;
  private final Blueprint blueprint;

  /** The checkpoint stays with the caller. */
  Inspector(
      JsonConfig config,
      Optional<HfCheckpoint> checkpoint,
      QuantizationScheme base,
      List<String> warnings) {
    this.config = config;
    this.base = base;
    this.warnings = warnings;
    blueprint = Architecture.of(config);
    this.checkpoint = checkpoint.map(files -> files.seenBy(blueprint));
  }

  /** Everything, the folder's files and tokenizer included. */
  Inspection inspect(Path directory) {
    Inspection model = inspect();
    return new Inspection(
        directory,
        model.architecture(),
        model.shape(),
        model.parameters(),
        model.storedType(),
        model.weightBytes(),
        ModelFolder.files(directory),
        ModelFolder.tokenizer(directory, model.shape().vocabularySize(), warnings),
        model.techniques(),
        warnings);
  }

  /** The model alone. */
  Inspection inspect() {
    try (Device device = Device.shapeOnly();
        CausalLm model = build(device, Linear.Wrapper.none())) {
      checkWeights();
      long total = count(model.parameters());
      return new Inspection(
          config.file().toAbsolutePath().resolveSibling(""),
          config.requiredString("model_type"),
          shape(model),
          new Parameters(total, kinds(model.parameters()), perLayer(model.parameters())),
          checkpoint.map(Inspector::storedType),
          weightBytes(),
          List.of(),
          Optional.empty(),
          techniques(model.parameters(), total),
          warnings);
    }
  }

  /** The format of most numbers, behind that of quantised maps if there are any. */
  private static String storedType(HfCheckpoint files) {
    String plain = files.dtype().name();
    return BitsAndBytes.format(files)
        .or(() -> files.blockType().map(GgufType::name))
        .map(format -> format + " and " + plain)
        .orElse(plain);
  }

  /** Of the model as it would be loaded. */
  private long weightBytes() {
    int positions = blueprint.contextLength();
    try (Device device = Device.shapeOnly()) {
      Weights weights = new QuantizedWeights(stored(device), checkpoint, base, device);
      try (CausalLm model = blueprint.build(weights, device, positions, Linear.Wrapper.none())) {
        return model.weightBytes();
      }
    }
  }

  private Weights stored(Device device) {
    return checkpoint
        .<Weights>map(files -> new CheckpointWeights(files, Dtype.AUTO, device, Training.FROZEN))
        .orElseGet(() -> new ShapeWeights(device));
  }

  private CausalLm build(Device device, Linear.Wrapper wrapper) {
    int positions = blueprint.contextLength();
    return blueprint.build(new ShapeWeights(device), device, positions, wrapper);
  }

  private void checkWeights() {
    if (checkpoint.isEmpty()) {
      return;
    }
    TensorFit fit = TensorFit.of(checkpoint.get(), blueprint);
    if (!fit.unfit().isEmpty()) {
      warnings.add(
          "the weights do not fit config.json in %d of %d tensors (%s), so the model cannot be used; download both again from one revision."
              .formatted(fit.unfit().size(), fit.expected(), TensorFit.named(fit.unfit())));
    }
    fit.surplusNotice().ifPresent(warnings::add);
  }

  private Shape shape(CausalLm model) {
    AttentionShape attention = model.attentionShape();
    boolean ownHead =
        model.parameters().stream()
            .anyMatch(parameter -> parameter.name().equals(model.head().name() + ".weight"));
    return new Shape(
        model.contextLength(),
        model.vocabularySize(),
        model.head().inFeatures(),
        model.layers(),
        attention.heads(),
        attention.kvHeads(),
        attention.headDim(),
        ownHead ? Head.OWN : Head.TIED);
  }

  private static List<Kind> kinds(List<Parameter> parameters) {
    Map<String, List<Parameter>> byKind = new LinkedHashMap<>();
    for (Parameter parameter : parameters) {
      byKind.computeIfAbsent(lastName(module(parameter)), _ -> new ArrayList<>()).add(parameter);
    }
    List<Kind> kinds = new ArrayList<>();
    byKind.forEach((name, members) -> {
      long modules = members.stream().map(Inspector::module).distinct().count();
      kinds.add(new Kind(name, (int) modules, shapeOf(members.getFirst()), count(members)));
    });
    return kinds;
  }

  /** The parameter's name without {@code .weight} or {@code .bias}. */
  private static String module(Parameter parameter) {
    return parameter.name().substring(0, parameter.name().lastIndexOf('.'));
  }

  private static String lastName(String module) {
    return module.substring(module.lastIndexOf('.') + 1);
  }

  private static List<Long> perLayer(List<Parameter> parameters) {
    Map<Integer, Long> byLayer = new TreeMap<>();
    for (Parameter parameter : parameters) {
      Matcher number = LAYER.matcher(parameter.name());
      if (number.find()) {
        byLayer.merge(Integer.parseInt(number.group(1)), parameter.value().elements(), Long::sum);
      }
    }
    return List.copyOf(byLayer.values());
  }

  private List<TechniqueCount> techniques(List<Parameter> parameters, long total) {
    AdapterSettings defaults = defaults();
    List<ModuleSelection> selections = new ArrayList<>(List.of(defaults.targetModules()));
    Set<String> layers = new TreeSet<>();
    parameters.forEach(parameter -> layers.add(lastName(module(parameter))));
    if (layers.containsAll(QUERY_AND_VALUE)) { // one matrix in some families
      selections.add(new ModuleSelection.Names(QUERY_AND_VALUE));
    }
    List<TechniqueCount> techniques = new ArrayList<>();
    for (Technique technique : List.of(Technique.LORA, Technique.DORA)) {
      for (ModuleSelection targets : selections) {
        adapter(technique, defaults.r(), targets).ifPresent(techniques::add);
      }
    }
    techniques.add(new TechniqueCount(Technique.FULL.spelling(), "all weights", total, total));
    return techniques;
  }

  /** The recipe's own defaults. */
  private static AdapterSettings defaults() {
    return RunConfig.of("model", Path.of("data")).adapter();
  }

  /** Numbers of a low-rank adapter; none, and a warning, if the model cannot wear it. */
  private Optional<TechniqueCount> adapter(Technique technique, int rank, ModuleSelection targets) {
    LoraSettings lora = new LoraSettings(rank, rank, false, 0, AdapterRecipe.targets(targets));
    LoraSettings settings = technique.trainsMagnitudes() ? lora.withDora() : lora;
    String setting = "r %d on %s".formatted(rank, targets.words());
    try (Device device = Device.shapeOnly();
        LoraAdapter adapter = LoraAdapter.fresh(settings, device, 0);
        CausalLm adapted = build(device, adapter)) {
      adapter.requireComplete();
      long trainable = count(adapter.parameters());
      long all = count(adapted.parameters()) + trainable;
      return Optional.of(new TechniqueCount(technique.spelling(), setting, trainable, all));
    } catch (ConfigException unfit) {
      warnings.add(
          "%s with %s does not fit this model: %s"
              .formatted(technique.spelling(), setting, unfit.getMessage()));
      return Optional.empty();
    }
  }

  private static long count(List<Parameter> parameters) {
    return parameters.stream().mapToLong(parameter -> parameter.value().elements()).sum();
  }

  private static List<Long> shapeOf(Parameter parameter) {
    return Arrays.stream(parameter.value().shape()).boxed().toList();
  }
}
