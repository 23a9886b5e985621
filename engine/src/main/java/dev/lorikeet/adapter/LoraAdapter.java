package dev.lorikeet.adapter;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.FormatException;
import dev.lorikeet.format.PeftAdapter;
import dev.lorikeet.format.PeftAdapterConfig;
import dev.lorikeet.format.PeftNames;
import dev.lorikeet.format.StoredLayout;
import dev.lorikeet.format.TargetModules;
import dev.lorikeet.nn.Embedding;
import dev.lorikeet.nn.Linear;
import dev.lorikeet.nn.Weights;
import dev.lorikeet.quant.Rounding;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Rng;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * All LoRA or DoRA modules of one model. Give it to a model as its wrapper, and its weights through
 * {@link #over}; call {@link #requireComplete} when the model stands. Owns the matrices; modules
 * that are trained as a whole belong to the model.
 */
public final class LoraAdapter implements Linear.Wrapper, AutoCloseable {
  private final LoraSettings settings;
  private final Device device;
  private final Rng rng;
  private final Optional<GivenAdapter> given;
  private final Origin origin;
  private final SavedModules saved;
  private final List<Lora> modules = new ArrayList<>();
  private final List<LoraEmbedding> embeddings = new ArrayList<>();
  private final Map<String, LowRank> starts = new LinkedHashMap<>();
  private final Map<String, LowRank> prepared = new HashMap<>();
  private final FittingBase fittingBase;
  private final Map<String, Dora> magnitudes = new LinkedHashMap<>();
  private final List<String> seen = new ArrayList<>();
  private final Set<String> embeddingNames = new HashSet<>();

  /** Where settings and matrices come from. */
  private enum Origin {
    /** Settings of a caller, matrices at their start. */
    FRESH,
    /** Both from files. */
    FILES,
    /** Settings of a caller, matrices from files. */
    FILES_AS_TOLD
  }

  private LoraAdapter(
      LoraSettings settings, Device device, Rng rng, Optional<GivenAdapter> given, Origin origin) {
    this.settings = settings;
    this.device = device;
    this.rng = rng;
    this.origin = origin;
    this.given = given;
    saved = new SavedModules(settings.modulesToSave(), given);
    fittingBase = new FittingBase(settings.start().mendsQuantisation(), given);
  }

  /** A fresh adapter; its start depends on {@code seed} and the module's name only. */
  public static LoraAdapter fresh(LoraSettings settings, Device device, long seed) {
    return new LoraAdapter(
        settings, device, new Rng(seed).split("lora"), Optional.empty(), Origin.FRESH);
  }

  /** An adapter from PEFT's files in {@code dir}; it brings its own settings. */
  public static LoraAdapter read(Path dir, Device device) {
    PeftAdapter files = PeftAdapter.read(dir);
    Optional<GivenAdapter> given = Optional.of(new GivenAdapter(dir, files));
    return new LoraAdapter(settingsOf(files.config()), device, new Rng(0), given, Origin.FILES);
  }

  private static LoraSettings settingsOf(PeftAdapterConfig config) {
    TargetModules modules = config.targetModules().orElseGet(TargetModules.AllLinear::new);
    return new LoraSettings(
        config.r(),
        config.loraAlpha(),
        config.useRslora(),
        config.loraDropout(),
        new Targets(
            modules,
            config.excludeModules(),
            config.layersToTransform(),
            config.layersPattern(),
            Targets.Spelling.AS_GIVEN),
        config.rankPattern(),
        config.alphaPattern(),
        config.modulesToSave(),
        config.initLoraWeights().equals("gaussian") ? LoraStart.GAUSSIAN : LoraStart.UNIFORM,
        config.useDora());
  }

  /** The same matrices trained on with other settings, as {@code init_from} does. */
  public static LoraAdapter readAs(Path dir, LoraSettings settings, Device device) {
    PeftAdapter files = PeftAdapter.read(dir);
    boolean patterns = !settings.rankPattern().isEmpty() || !files.config().rankPattern().isEmpty();
    if (files.config().r() != settings.r() && !patterns) {
      throw new FormatException(
          dir,
          "the adapter to start from has r %d, but the recipe says adapter.r %d; make them equal"
              .formatted(files.config().r(), settings.r()));
    }
    if (files.config().useRslora() != settings.rankStabilised()) {
      throw new FormatException(
          dir,
          "the adapter to start from has use_rslora %s, so its matrices belong to another scale than the recipe's adapter.use_rslora %s; make them equal"
              .formatted(files.config().useRslora(), settings.rankStabilised()));
    }
    if (files.config().useDora() != settings.useDora()) {
      throw new FormatException(
          dir,
          "the adapter to start from has use_dora %s, but the recipe's technique %s; take the technique that it was made with"
              .formatted(
                  files.config().useDora(),
                  settings.useDora() ? "trains magnitudes" : "has no magnitudes"));
    }
    Optional<GivenAdapter> given = Optional.of(new GivenAdapter(dir, files));
    return new LoraAdapter(settings, device, new Rng(0), given, Origin.FILES_AS_TOLD);
  }

  /** How the base has to be quantised: with LoftQ's start, so that the adapter makes up for it. */
  public Rounding rounding() {
    return (module, weight, scheme) -> {
      if (given.isPresent() || !settings.start().mendsQuantisation() || !targeted(module)) {
        return Rounding.toNearest().of(module, weight, scheme);
      }
      int rows = Math.toIntExact(weight.size(0));
      int columns = Math.toIntExact(weight.size(1));
      LoftQ loftq = LoftQ.of(module, weight, scheme, ownSettings(module, rows, columns));
      try {
        prepared.put(module, loftq.start().movedTo(device));
      } catch (RuntimeException failure) {
        loftq.base().close();
        throw failure;
      }
      return loftq.base();
    };
  }

  /** The weights that the model has to be built from: those of saved modules are trained. */
  public Weights over(Weights weights) {
    return saved.over(weights);
  }

  @Override
  public Linear wrap(Linear base) {
    seen.add(base.name());
    boolean adapted =
        given.isPresent()
            ? given.get().files().modules().containsKey(base.name())
            : targeted(base.name());
    if (!adapted) {
      return base;
    }
    fittingBase.add(base);
    Lora lora = given.isPresent() ? given.get().restored(base, settings, device) : fresh(base);
    modules.add(lora);
    return settings.useDora() ? decomposed(lora) : lora;
  }

  private Dora decomposed(Lora lora) {
    Dora dora = given.isPresent() ? given.get().restored(lora, device) : Dora.start(lora);
    magnitudes.put(lora.name(), dora);
    return dora;
  }

  @Override
  public Embedding wrap(Embedding base) {
    seen.add(base.name());
    embeddingNames.add(base.name());
    boolean adapted =
        given.isPresent()
            ? given.get().files().embeddings().containsKey(base.name())
            : targeted(base.name());
    if (!adapted) {
      return base;
    }
    if (settings.useDora()) {
      throw Dora.notOnEmbeddings(base.name());
    }
    LoraEmbedding lora =
        given.isPresent() ? given.get().restored(base, settings, device) : fresh(base);
    embeddings.add(lora);
    return lora;
  }

  /** A module that is saved as a whole gets no adapter; who names it for both is told. */
  private boolean targeted(String name) {
    boolean matches =
        embeddingNames.contains(name)
            ? settings.targets().matchesEmbedding(name)
            : settings.targets().matches(name);
    if (!matches || !PeftNames.saves(settings.modulesToSave(), name + ".weight")) {
      return matches;
    }
    if (settings.targets().modules() instanceof TargetModules.Names) {
      throw new ConfigException(
          "adapter.target_modules and adapter.modules_to_save %s both mean %s; a module is trained as a whole or gets an adapter, so take it out of one of them."
              .formatted(settings.modulesToSave(), name));
    }
    return false;
  }

  private Lora fresh(Linear base) {
    LoraSettings own = ownSettings(base.name(), base.outFeatures(), base.inFeatures());
    LowRank mending = prepared.remove(base.name());
    if (mending != null) {
      return new Lora(base, own, mending.a(), mending.b());
    }
    if (own.start().mendsQuantisation()) {
      FittingBase.requireDense(base);
    }
    if (!own.start().splitsBase()) {
      return Lora.start(base, own, device, rng);
    }
    LowRank start = Pissa.split(base, own, device, rng.split(base.name()).split("pissa"));
    starts.put(base.name(), start);
    return start.copied(base, own);
  }

  private LoraEmbedding fresh(Embedding base) {
    return LoraEmbedding.start(
        base, ownSettings(base.name(), base.rows(), base.columns()), device, rng);
  }

  private LoraSettings ownSettings(String name, int rows, int columns) {
    LoraSettings own = settings.forModule(name);
    int limit = Math.min(rows, columns);
    if (own.r() > limit) {
      throw new ConfigException(
          "%s %d is larger than %s allows: [%d, %d] has at most rank %d"
              .formatted(
                  own.r() == settings.r() ? "adapter.r" : "adapter.rank_pattern",
                  own.r(),
                  name,
                  rows,
                  columns,
                  limit));
    }
    return own;
  }

  /**
   * Refuses an adapter that the model did not take up: targets, patterns or saved modules without a
   * module, modules of the files that the model does not have, or modules that only one of recipe
   * and files names.
   */
  public void requireComplete() {
    if (given.isEmpty()) {
      settings.targets().requireMatch(seen);
    } else {
      given.get().requireAllTaken(adapted());
    }
    saved.requireComplete();
    fittingBase.requireComplete();
    switch (origin) {
      case FRESH -> settings.requirePatternsMatch(adapted());
      case FILES -> saved.requireAllGiven();
      case FILES_AS_TOLD -> {
        requireSameModules();
        settings.requirePatternsMatch(adapted());
      }
    }
  }

  /** What is written must say of itself what it holds, so targets and files have to agree. */
  private void requireSameModules() {
    TreeSet<String> adapted = new TreeSet<>(adapted());
    TreeSet<String> targeted = new TreeSet<>(seen.stream().filter(this::targeted).toList());
    TreeSet<String> differing = new TreeSet<>(targeted);
    differing.removeAll(adapted);
    adapted.stream().filter(name -> !targeted.contains(name)).forEach(differing::add);
    if (!differing.isEmpty()) {
      throw new ConfigException(
          "adapter.target_modules match %d modules, but the adapter in %s that adapter.init_from names is on %d; they differ in %s%s. Write the target_modules of that adapter's adapter_config.json into the recipe."
              .formatted(
                  targeted.size(),
                  given.orElseThrow().dir(),
                  adapted.size(),
                  differing.first(),
                  differing.size() > 1 ? " and %d more".formatted(differing.size() - 1) : ""));
    }
  }

  /** The adapted maps in the order of the model. */
  public List<Lora> modules() {
    return List.copyOf(modules);
  }

  /** The adapted embeddings. */
  public List<LoraEmbedding> embeddings() {
    return List.copyOf(embeddings);
  }

  /** Weights that are trained as a whole; they belong to the model. */
  public List<Parameter> savedParameters() {
    return saved.parameters();
  }

  /** Settings of all modules. */
  public LoraSettings settings() {
    return settings;
  }

  /** The magnitudes of the module {@code name}; none without DoRA. */
  public Optional<Dora> dora(String name) {
    return Optional.ofNullable(magnitudes.get(name));
  }

  /** The adapted maps as single weights, in the order of the model. */
  public List<Mergeable> mergeable() {
    List<Mergeable> merged = new ArrayList<>();
    for (Lora module : modules) {
      merged.add(dora(module.name()).map(Mergeable.class::cast).orElse(module));
    }
    return merged;
  }

  /**
   * All that is trained: A, B and with DoRA m of every module in the order of the model, then whole
   * weights.
   */
  public List<Parameter> parameters() {
    List<Parameter> parameters = new ArrayList<>();
    for (LoraEmbedding embedding : embeddings) {
      parameters.add(embedding.a());
      parameters.add(embedding.b());
    }
    for (Lora module : modules) {
      parameters.add(module.a());
      parameters.add(module.b());
      dora(module.name()).map(Dora::magnitude).ifPresent(parameters::add);
    }
    parameters.addAll(saved.parameters());
    return parameters;
  }

  /** Writes PEFT's files into {@code dir}. */
  public void write(Path dir, String baseModel) {
    write(dir, baseModel, StoredLayout.SAME);
  }

  /** The same over a base whose files have {@code layout}. */
  public void write(Path dir, String baseModel, StoredLayout layout) {
    LoraFiles.of(this, baseModel, layout).write(dir);
  }

  /** Names of everything adapted, in the order of the model. */
  List<String> adapted() {
    List<String> adapted = new ArrayList<>(embeddings.stream().map(LoraEmbedding::name).toList());
    modules.forEach(module -> adapted.add(module.name()));
    return adapted;
  }

  /** Names of all maps and embeddings of the model. */
  List<String> seen() {
    return List.copyOf(seen);
  }

  /** By module, what the base lost to it at the start. */
  Map<String, LowRank> starts() {
    return Collections.unmodifiableMap(starts);
  }

  /** Hash of the only base that the adapter fits; none if it fits any of its shapes. */
  Optional<String> baseSha256() {
    return fittingBase.sha256();
  }

  /** Whether the matrices come from files, so that the base is whole. */
  boolean restored() {
    return given.isPresent();
  }

  @Override
  public void close() {
    magnitudes.values().forEach(Dora::close);
    magnitudes.clear();
    modules.forEach(Lora::close);
    modules.clear();
    embeddings.forEach(LoraEmbedding::close);
    embeddings.clear();
    starts.values().forEach(LowRank::close);
    starts.clear();
    prepared.values().forEach(LowRank::close);
    prepared.clear();
  }
}
