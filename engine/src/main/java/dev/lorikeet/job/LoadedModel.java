package dev.lorikeet.job;

import dev.lorikeet.adapter.ChosenLayers;
import dev.lorikeet.adapter.LoraAdapter;
import dev.lorikeet.config.ModelSettings;
import dev.lorikeet.config.ModelSettings.Dtype;
import dev.lorikeet.config.RunConfig;
import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.FormatException;
import dev.lorikeet.format.BitsAndBytes;
import dev.lorikeet.format.HfCheckpoint;
import dev.lorikeet.format.PickleFiles;
import dev.lorikeet.format.StoredQuantization;
import dev.lorikeet.model.Architecture;
import dev.lorikeet.model.Architecture.Blueprint;
import dev.lorikeet.model.CausalLm;
import dev.lorikeet.nn.BaseLinear;
import dev.lorikeet.nn.CheckpointWeights;
import dev.lorikeet.nn.Linear;
import dev.lorikeet.nn.Weights;
import dev.lorikeet.quant.QuantizationScheme;
import dev.lorikeet.quant.QuantizedLinear;
import dev.lorikeet.quant.QuantizedWeights;
import dev.lorikeet.quant.Rounding;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.tokenizer.HfTokenizer;
import dev.lorikeet.tokenizer.Tokenizer;
import dev.lorikeet.torch.Device;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** A model with its tokenizer and perhaps an adapter. Owns all three. */
public final class LoadedModel implements AutoCloseable {
  private final Path directory;
  private final CausalLm model;
  private final Tokenizer tokenizer;
  private final Optional<LoraAdapter> adapter;

  private LoadedModel(
      Path directory, CausalLm model, Tokenizer tokenizer, Optional<LoraAdapter> adapter) {
    this.directory = directory;
    this.model = model;
    this.tokenizer = tokenizer;
    this.adapter = adapter;
  }

  /**
   * The folder that {@code model.path} means: itself, where the embedded model is unpacked, or what
   * a GGUF file says in the form of a folder.
   *
   * @throws FormatException if it is a file that is not read
   */
  public static Path directoryOf(String path) {
    if (path.equals(ModelSettings.NANO)) {
      return EmbeddedNano.directory();
    }
    Path given = Path.of(path);
    PickleFiles.refuse(given);
    return GgufFolder.in(given).map(GgufFolder::directory).orElse(given);
  }

  /**
   * A model to ask, not to train.
   *
   * @param path folder of a Hugging Face checkpoint, a GGUF file, or {@code nano}
   * @param adapter folder of a PEFT adapter
   */
  public static LoadedModel open(String path, Optional<Path> adapter, Device device) {
    return open(path, adapter, QuantizationScheme.none(), device);
  }

  /**
   * A model to ask, not to train, over a quantised base as an adapter may have been trained on.
   *
   * @param base how the linear maps of the blocks are held
   */
  public static LoadedModel open(
      String path, Optional<Path> adapter, QuantizationScheme base, Device device) {
    return load(
        directoryOf(path),
        Training.FROZEN,
        adapter.map(dir -> LoraAdapter.read(dir, device)),
        new BaseFormat(Dtype.AUTO, base),
        Optional.empty(),
        device);
  }

  /**
   * How the weights of a base model are held.
   *
   * @param dtype the plain ones
   * @param maps the linear maps of the blocks
   */
  record BaseFormat(Dtype dtype, QuantizationScheme maps) {

    /** What a recipe says. */
    static BaseFormat of(RunConfig config) {
      return new BaseFormat(config.baseDtype(), QuantizationScheme.of(config));
    }
  }

  /**
   * A model with the adapter that a caller prepared, which the result owns.
   *
   * @param training whether the model's own weights are trained
   * @param base how the weights are held; no map is quantised if they are trained
   * @param chosen which of them, if not all alike
   */
  static LoadedModel load(
      Path directory,
      Training training,
      Optional<LoraAdapter> adapter,
      BaseFormat base,
      Optional<ChosenLayers> chosen,
      Device device) {
    return load(new Source(directory, directory), training, adapter, base, chosen, device);
  }

  /**
   * Where a model comes from.
   *
   * @param directory the checkpoint that it is known as, with the tokenizer
   * @param weights the checkpoint with its weights: the same, or what LoftQ made of it
   */
  record Source(Path directory, Path weights) {}

  /** The same from a source of two folders. */
  static LoadedModel load(
      Source source,
      Training training,
      Optional<LoraAdapter> adapter,
      BaseFormat base,
      Optional<ChosenLayers> chosen,
      Device device) {
    Path directory = source.directory();
    Tokenizer tokenizer = HfTokenizer.open(directory);
    try {
      CausalLm model = model(source.weights(), training, adapter, base, chosen, device);
      return new LoadedModel(directory, model, tokenizer, adapter);
    } catch (RuntimeException failure) {
      tokenizer.close();
      throw failure;
    }
  }

  /** The model alone, as {@link #load} has it; on failure the adapter is closed. */
  static CausalLm model(
      Path directory,
      Training training,
      Optional<LoraAdapter> adapter,
      BaseFormat base,
      Optional<ChosenLayers> chosen,
      Device device) {
    Optional<CausalLm> model = Optional.empty();
    try (HfCheckpoint checkpoint = HfCheckpoint.open(directory)) {
      if (training == Training.TRAINABLE) {
        refuseQuantised(checkpoint);
      }
      Blueprint blueprint = Architecture.of(checkpoint.config());
      HfCheckpoint seen = checkpoint.seenBy(blueprint);
      boolean keepsBlocks = training == Training.FROZEN && base.dtype() == Dtype.AUTO;
      HfCheckpoint files = keepsBlocks ? seen : seen.withBlocksAsNumbers();
      TensorFit.of(files, blueprint).requireComplete(files);
      Weights stored = stored(files, training, adapter, base, device);
      Weights weights = chosen.isPresent() ? chosen.get().over(stored) : stored;
      model =
          Optional.of(
              blueprint.build(
                  adapter.isPresent() ? adapter.get().over(weights) : weights,
                  device,
                  blueprint.contextLength(),
                  adapter.isPresent() ? adapter.get() : Linear.Wrapper.none()));
      adapter.ifPresent(LoraAdapter::requireComplete);
      chosen.ifPresent(ChosenLayers::requireMatch);
      return model.get();
    } catch (RuntimeException failure) {
      model.ifPresent(CausalLm::close);
      adapter.ifPresent(LoraAdapter::close);
      throw failure;
    }
  }

  private static Weights stored(
      HfCheckpoint checkpoint,
      Training training,
      Optional<LoraAdapter> adapter,
      BaseFormat base,
      Device device) {
    QuantizedWeights stored =
        new QuantizedWeights(
            new CheckpointWeights(checkpoint, base.dtype(), device, training),
            Optional.of(checkpoint),
            base.maps(),
            device,
            adapter.map(LoraAdapter::rounding).orElseGet(Rounding::toNearest));
    return base.maps().quantises()
        ? stored.quantising(
            new CheckpointWeights(checkpoint, base.dtype(), device.host(), training))
        : stored;
  }

  private static void refuseQuantised(HfCheckpoint checkpoint) {
    Optional<String> format = BitsAndBytes.format(checkpoint);
    if (format.isPresent()) {
      throw new ConfigException(
          "adapter.technique: full trains the weights themselves, but the checkpoint in %s holds them as %s, which cannot be trained; use technique lora or qlora, or the checkpoint that is not quantised"
              .formatted(checkpoint.directory(), format.get()));
    }
  }

  /** The checkpoint's folder. */
  public Path directory() {
    return directory;
  }

  public CausalLm model() {
    return model;
  }

  public Tokenizer tokenizer() {
    return tokenizer;
  }

  /** The adapter that the model's linear maps wear. */
  public Optional<LoraAdapter> adapter() {
    return adapter;
  }

  /**
   * Writes the model without its adapter as a checkpoint in bitsandbytes' layout, tokenizer
   * included; what is not quantised keeps its format.
   *
   * @param directory a new or empty folder
   * @throws ConfigException if no linear map of the model is quantised
   */
  public void writeQuantised(Path directory) {
    Map<String, StoredQuantization> weights = new LinkedHashMap<>();
    for (BaseLinear map : model.quantisedMaps()) {
      if (map instanceof QuantizedLinear quantised) {
        weights.put(map.name() + ".weight", quantised.weight().stored());
      }
    }
    if (weights.isEmpty()) {
      throw new ConfigException(
          "the model in %s holds no quantised weight; open it with a quantization"
              .formatted(this.directory));
    }
    CheckpointWriter.writeQuantised(directory, this.directory, model.parameters(), weights);
  }

  @Override
  public void close() {
    model.close();
    adapter.ifPresent(LoraAdapter::close);
    tokenizer.close();
  }
}
