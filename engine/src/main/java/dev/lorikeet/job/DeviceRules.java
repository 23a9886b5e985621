package dev.lorikeet.job;

import dev.lorikeet.config.ModelSettings.Quantization;
import dev.lorikeet.config.RunConfig;
import dev.lorikeet.error.ConfigException;
import dev.lorikeet.format.BitsAndBytes;
import dev.lorikeet.format.HfCheckpoint;
import dev.lorikeet.torch.Device;
import java.nio.file.Path;
import java.util.Optional;

/** Which recipes a device can train whose memory the host does not see. */
final class DeviceRules {
  private DeviceRules() {}

  /**
   * Refuses a recipe that {@code device} cannot train, before anything is loaded.
   *
   * @throws ConfigException if it needs memory of the host, or products that the device does not
   *     have
   */
  static void requireReady(RunConfig config, Device device) {
    ComputeFormat.require(config.train().compute(), device);
    if (!device.hasHostMemory()) {
      requireReadyForGpu(config, device.name());
    }
  }

  /**
   * Refuses a recipe that a GPU cannot train yet.
   *
   * @param device its name, for the message
   */
  static void requireReadyForGpu(RunConfig config, String device) {
    refusal(config)
        .ifPresent(key -> {
          throw new ConfigException(
              "device: %s cannot train with %s yet; set device: cpu, or train a plain LoRA or the whole model over weights that are not quantised"
                  .formatted(device, key));
        });
  }

  /** What of the recipe is not for a GPU; empty if all of it is. */
  static Optional<String> refusal(RunConfig config) {
    if (config.adapter().technique().trainsMagnitudes()
        || config.adapter().technique().overQuantised()) {
      return Optional.of("adapter.technique: " + config.adapter().technique().spelling());
    }
    if (config.adapter().initLoraWeights().readsBase()) {
      return Optional.of(
          "adapter.init_lora_weights: " + config.adapter().initLoraWeights().spelling());
    }
    if (config.baseQuantization() != Quantization.NONE) {
      return Optional.of("model.quantization: " + config.baseQuantization().spelling());
    }
    Path folder = LoadedModel.directoryOf(config.model().path());
    try (HfCheckpoint checkpoint = HfCheckpoint.open(folder)) {
      return BitsAndBytes.format(checkpoint)
          .map(format -> "model.path: " + folder + ", whose weights are " + format);
    }
  }
}
