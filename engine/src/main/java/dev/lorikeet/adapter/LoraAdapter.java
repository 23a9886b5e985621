package dev.lorikeet.adapter;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.FormatException;
import dev.lorikeet.format.FloatTensor;
import dev.lorikeet.format.LoraPair;
import dev.lorikeet.format.PeftAdapter;
import dev.lorikeet.format.PeftAdapterConfig;
import dev.lorikeet.nn.Linear;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Rng;
import dev.lorikeet.torch.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/**
 * All LoRA or DoRA modules of one model. Give it to a model as its wrapper; call {@link
 * #requireComplete} when the model stands. Owns the matrices.
 */
public final class LoraAdapter implements Linear.Wrapper, AutoCloseable {
  private final LoraSettings settings;
  private final Device device;
  private final Rng rng;
  private final Optional<PeftAdapter> given;
  private final Optional<Path> source;
  private final Optional<Targets> demanded;
  private final List<Lora> modules = new ArrayList<>();
  private final Map<String, Dora> magnitudes = new LinkedHashMap<>();
  private final List<String> seen = new ArrayList<>();

  private LoraAdapter(
      LoraSettings settings,
      Device device,
      Rng rng,
      Optional<PeftAdapter> given,
      Optional<Path> source,
      Optional<Targets> demanded) {
    this.settings = settings;
    this.device = device;
    this.rng = rng;
    this.given = given;
    this.source = source;
    this.demanded = demanded;
  }

  /** A fresh adapter; the start of A depends on {@code seed} and the module's name only. */
  public static LoraAdapter fresh(LoraSettings settings, Device device, long seed) {
    if (settings.useDora()) {
      Dora.requireLinear(settings.targets());
    }
    return new LoraAdapter(
        settings,
        device,
        new Rng(seed).split("lora"),
        Optional.empty(),
        Optional.empty(),
        Optional.empty());
  }

  /** An adapter from PEFT's files in {@code dir}; it brings its own settings. */
  public static LoraAdapter read(Path dir, Device device) {
    PeftAdapter files = PeftAdapter.read(dir);
    PeftAdapterConfig config = files.config();
    Targets targets = config.targetModules().map(Targets::new).orElseGet(Targets::allLinear);
    LoraSettings settings =
        new LoraSettings(
            config.r(),
            config.loraAlpha(),
            config.useRslora(),
            config.loraDropout(),
            targets,
            config.useDora());
    return new LoraAdapter(
        settings, device, new Rng(0), Optional.of(files), Optional.of(dir), Optional.empty());
  }

  /** The same matrices trained on with other settings, as {@code init_from} does. */
  public static LoraAdapter readAs(Path dir, LoraSettings settings, Device device) {
    PeftAdapter files = PeftAdapter.read(dir);
    if (files.config().r() != settings.r()) {
      throw new FormatException(
          dir,
          "the adapter to start from has r %d, but the recipe says adapter.r %d; make them equal"
              .formatted(files.config().r(), settings.r()));
    }
    if (files.config().useRslora() != settings.rankStabilised()) {
      throw new FormatException(
          dir,
          "the adapter to start from has use_rslora %s, so its matrices belong to another scale than the recipe's alpha/r; start from an adapter without rank stabilisation"
              .formatted(files.config().useRslora()));
    }
    if (files.config().useDora() != settings.useDora()) {
      throw new FormatException(
          dir,
          "the adapter to start from has use_dora %s, but the recipe's technique %s; take the technique that it was made with"
              .formatted(
                  files.config().useDora(),
                  settings.useDora() ? "trains magnitudes" : "has no magnitudes"));
    }
    return new LoraAdapter(
        settings,
        device,
        new Rng(0),
        Optional.of(files),
        Optional.of(dir),
        Optional.of(settings.targets()));
  }

  @Override
  public Linear wrap(Linear base) {
    seen.add(base.name());
    boolean adapted =
        given.isPresent()
            ? given.get().modules().containsKey(base.name())
            : settings.targets().matches(base.name());
    if (!adapted) {
      return base;
    }
    Lora lora = given.isPresent() ? restored(base, given.get()) : fresh(base);
    modules.add(lora);
    return settings.useDora() ? decomposed(lora) : lora;
  }

  private Dora decomposed(Lora lora) {
    Dora dora = given.isPresent() ? restored(lora, given.get()) : Dora.start(lora);
    magnitudes.put(lora.name(), dora);
    return dora;
  }

  private Dora restored(Lora lora, PeftAdapter files) {
    FloatTensor magnitude = pairOf(lora.name(), files).magnitude().orElseThrow();
    List<Long> expected = List.of((long) lora.outFeatures());
    if (!magnitude.shape().equals(expected)) {
      throw new FormatException(
          source.orElseThrow(),
          lora.name(),
          "lora_magnitude_vector %s, but this model's module needs %s: the adapter belongs to another base model"
              .formatted(magnitude.shape(), expected));
    }
    return new Dora(lora, upload(magnitude));
  }

  private Lora fresh(Linear base) {
    int limit = Math.min(base.inFeatures(), base.outFeatures());
    if (settings.r() > limit) {
      throw new ConfigException(
          "adapter.r %d is larger than %s allows: [%d, %d] has at most rank %d"
              .formatted(settings.r(), base.name(), base.outFeatures(), base.inFeatures(), limit));
    }
    return Lora.start(base, settings, device, rng);
  }

  private Lora restored(Linear base, PeftAdapter files) {
    LoraPair pair = pairOf(base.name(), files);
    List<Long> aShape = List.of((long) settings.r(), (long) base.inFeatures());
    List<Long> bShape = List.of((long) base.outFeatures(), (long) settings.r());
    if (!pair.a().shape().equals(aShape) || !pair.b().shape().equals(bShape)) {
      throw new FormatException(
          source.orElseThrow(),
          base.name(),
          "lora_A %s and lora_B %s, but this model's module needs %s and %s: the adapter belongs to another base model"
              .formatted(pair.a().shape(), pair.b().shape(), aShape, bShape));
    }
    Tensor a = upload(pair.a());
    try {
      return new Lora(base, settings, a, upload(pair.b()));
    } catch (RuntimeException failure) {
      a.close();
      throw failure;
    }
  }

  private static LoraPair pairOf(String name, PeftAdapter files) {
    LoraPair pair = files.modules().get(name);
    if (pair == null) {
      throw new IllegalStateException("no adapter for " + name);
    }
    return pair;
  }

  private Tensor upload(FloatTensor values) {
    long[] shape = values.shape().stream().mapToLong(Long::longValue).toArray();
    Tensor tensor = device.floats(shape);
    return device.hasHostMemory() ? tensor.copyFrom(values.toArray()) : tensor;
  }

  /**
   * Refuses an adapter that the model did not take up: targets without a module, modules of the
   * files that the model does not have, or modules that only one of recipe and files names.
   */
  public void requireComplete() {
    if (given.isEmpty()) {
      settings.targets().requireMatch(seen);
      return;
    }
    TreeSet<String> missing = new TreeSet<>(given.get().modules().keySet());
    seen.forEach(missing::remove);
    if (!missing.isEmpty()) {
      throw new FormatException(
          source.orElseThrow(),
          missing.first(),
          "the model has no linear module of this name (%d of the adapter's %d modules are missing): the adapter belongs to another base model"
              .formatted(missing.size(), given.get().modules().size()));
    }
    demanded.ifPresent(this::requireSameModules);
  }

  /** What is written must say of itself what it holds, so targets and files have to agree. */
  private void requireSameModules(Targets targets) {
    TreeSet<String> adapted = new TreeSet<>(modules.stream().map(Lora::name).toList());
    TreeSet<String> targeted = new TreeSet<>(seen.stream().filter(targets::matches).toList());
    TreeSet<String> differing = new TreeSet<>(targeted);
    differing.removeAll(adapted);
    adapted.stream().filter(name -> !targeted.contains(name)).forEach(differing::add);
    if (!differing.isEmpty()) {
      throw new ConfigException(
          "adapter.target_modules match %d modules, but the adapter in %s that adapter.init_from names is on %d; they differ in %s%s. Write the target_modules of that adapter's adapter_config.json into the recipe."
              .formatted(
                  targeted.size(),
                  source.orElseThrow(),
                  adapted.size(),
                  differing.first(),
                  differing.size() > 1 ? " and %d more".formatted(differing.size() - 1) : ""));
    }
  }

  /** The adapted maps in the order of the model. */
  public List<Lora> modules() {
    return List.copyOf(modules);
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

  /** A, B and with DoRA m of every module, in the order of the model. */
  public List<Parameter> parameters() {
    List<Parameter> parameters = new ArrayList<>();
    for (Lora module : modules) {
      parameters.add(module.a());
      parameters.add(module.b());
      dora(module.name()).map(Dora::magnitude).ifPresent(parameters::add);
    }
    return parameters;
  }

  /** Writes PEFT's files into {@code dir}. */
  public void write(Path dir, String baseModel) {
    PeftAdapterConfig config =
        PeftAdapterConfig.lora(
            settings.r(),
            settings.alpha(),
            settings.dropout(),
            settings.targets().modules(),
            baseModel);
    Map<String, LoraPair> pairs = new LinkedHashMap<>();
    for (Lora module : modules) {
      Optional<FloatTensor> magnitude = dora(module.name()).map(dora -> stored(dora.magnitude()));
      pairs.put(module.name(), new LoraPair(stored(module.a()), stored(module.b()), magnitude));
    }
    PeftAdapterConfig scaled = settings.rankStabilised() ? config.rankStabilised() : config;
    PeftAdapter.write(dir, settings.useDora() ? scaled.decomposed() : scaled, pairs);
  }

  private static FloatTensor stored(Parameter parameter) {
    List<Long> shape = Arrays.stream(parameter.value().shape()).boxed().toList();
    MemorySegment floats = MemorySegment.ofArray(parameter.value().toFloats());
    return new FloatTensor(shape, floats);
  }

  @Override
  public void close() {
    magnitudes.values().forEach(Dora::close);
    magnitudes.clear();
    modules.forEach(Lora::close);
    modules.clear();
  }
}
