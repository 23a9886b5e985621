package dev.lorikeet.cli;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.job.LoadedModel;
import dev.lorikeet.torch.Device;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Which model is asked: {@code --model}, {@code --adapter} and how the base is held. */
final class ModelOptions {
  private static final String CONFIG = "adapter_config.json";

  @Option(
      names = "--model",
      required = true,
      paramLabel = "DIR",
      description =
          "Folder of a Hugging Face checkpoint, a GGUF file, or nano for the built-in model.")
  private String model = "";

  @Option(
      names = "--adapter",
      paramLabel = "DIR",
      description = "Folder of a PEFT adapter that was trained on the model.")
  private @Nullable Path adapter;

  @Mixin private QuantizationOptions quantization = new QuantizationOptions();

  /**
   * Loads the model; the caller closes it.
   *
   * @throws ConfigException if the adapter's folder holds none
   */
  LoadedModel open(Device device) {
    Optional<Path> folder = Optional.ofNullable(adapter);
    folder.ifPresent(ModelOptions::requireAdapter);
    return LoadedModel.open(model, folder, quantization.scheme(), device);
  }

  /** Refuses a folder without an adapter, and points to the one of a run. */
  static void requireAdapter(Path folder) {
    if (Files.exists(folder.resolve(CONFIG)) || !Files.isDirectory(folder)) {
      return;
    }
    Path inRun = folder.resolve("adapter");
    throw new ConfigException(
        "--adapter "
            + folder
            + " holds no "
            + CONFIG
            + (Files.exists(inRun.resolve(CONFIG))
                ? "; it is a run, whose adapter is in " + inRun
                : "; name the folder that holds it beside adapter_model.safetensors"));
  }
}
