package dev.lorikeet.cli;

import dev.lorikeet.job.LoadedModel;
import dev.lorikeet.torch.Device;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which model is asked: {@code --model} and {@code --adapter}. */
final class ModelOptions {
  @Option(
      names = "--model",
      required = true,
      paramLabel = "DIR",
      description = "Folder of a Hugging Face checkpoint, or nano for the built-in model.")
  private String model = "";

  @Option(
      names = "--adapter",
      paramLabel = "DIR",
      description = "Folder of a PEFT adapter that was trained on the model.")
  private @Nullable Path adapter;

  /** Loads the model; the caller closes it. */
  LoadedModel open(Device device) {
    return LoadedModel.open(model, Optional.ofNullable(adapter), device);
  }
}
