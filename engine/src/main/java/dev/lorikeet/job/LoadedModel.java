package dev.lorikeet.job;

import dev.lorikeet.adapter.ChosenLayers;
import dev.lorikeet.adapter.LoraAdapter;
import dev.lorikeet.config.ModelSettings;
import dev.lorikeet.format.HfCheckpoint;
import dev.lorikeet.model.Architecture;
import dev.lorikeet.model.CausalLm;
import dev.lorikeet.nn.CheckpointWeights;
import dev.lorikeet.nn.Linear;
import dev.lorikeet.nn.Weights;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.tokenizer.HfTokenizer;
import dev.lorikeet.tokenizer.Tokenizer;
import dev.lorikeet.torch.Device;
import java.nio.file.Path;
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

  /** The folder that {@code model.path} means: itself, or where the embedded model is unpacked. */
  public static Path directoryOf(String path) {
    return path.equals(ModelSettings.NANO) ? EmbeddedNano.directory() : Path.of(path);
  }

  /**
   * A model to ask, not to train.
   *
   * @param path folder of a Hugging Face checkpoint, or {@code nano}
   * @param adapter folder of a PEFT adapter
   */
  public static LoadedModel open(String path, Optional<Path> adapter, Device device) {
    return load(
        directoryOf(path),
        Training.FROZEN,
        adapter.map(dir -> LoraAdapter.read(dir, device)),
        Optional.empty(),
        device);
  }

  /**
   * A model with the adapter that a caller prepared, which the result owns.
   *
   * @param training whether the model's own weights are trained
   * @param chosen which of them, if not all alike
   */
  static LoadedModel load(
      Path directory,
      Training training,
      Optional<LoraAdapter> adapter,
      Optional<ChosenLayers> chosen,
      Device device) {
    Optional<Tokenizer> tokenizer = Optional.empty();
    Optional<CausalLm> model = Optional.empty();
    try (HfCheckpoint checkpoint = HfCheckpoint.open(directory)) {
      tokenizer = Optional.of(HfTokenizer.open(directory));
      Architecture architecture = Architecture.of(checkpoint.config());
      Weights stored = new CheckpointWeights(checkpoint, device, training);
      Weights weights = chosen.isPresent() ? chosen.get().over(stored) : stored;
      model =
          Optional.of(
              architecture.build(
                  checkpoint.config(),
                  adapter.isPresent() ? adapter.get().over(weights) : weights,
                  device,
                  architecture.contextLength(checkpoint.config()),
                  adapter.isPresent() ? adapter.get() : Linear.Wrapper.none()));
      adapter.ifPresent(LoraAdapter::requireComplete);
      chosen.ifPresent(ChosenLayers::requireMatch);
      return new LoadedModel(directory, model.get(), tokenizer.get(), adapter);
    } catch (RuntimeException failure) {
      model.ifPresent(CausalLm::close);
      adapter.ifPresent(LoraAdapter::close);
      tokenizer.ifPresent(Tokenizer::close);
      throw failure;
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

  @Override
  public void close() {
    model.close();
    adapter.ifPresent(LoraAdapter::close);
    tokenizer.close();
  }
}
