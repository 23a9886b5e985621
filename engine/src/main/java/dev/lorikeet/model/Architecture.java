package dev.lorikeet.model;

import dev.lorikeet.format.JsonConfig;
import dev.lorikeet.nn.Linear;
import dev.lorikeet.nn.Weights;
import dev.lorikeet.torch.Device;
import java.util.List;

/** A family of models: what its configs are called, and how one is built. */
public interface Architecture {

  /** All of them; a new one is one file and one line here. */
  List<Architecture> ALL = List.of(new LlamaArchitecture());

  /** The value of {@code model_type} in config.json. */
  String modelType();

  /** Tokens of the model's context. */
  int contextLength(JsonConfig config);

  /** Builds the model with all its weights. */
  CausalLm build(
      JsonConfig config, Weights weights, Device device, int positions, Linear.Wrapper wrapper);

  /**
   * The architecture of a config.
   *
   * @throws dev.lorikeet.error.FormatException naming those that there are
   */
  static Architecture of(JsonConfig config) {
    String type = config.requiredString("model_type");
    for (Architecture architecture : ALL) {
      if (architecture.modelType().equals(type)) {
        return architecture;
      }
    }
    List<String> known = ALL.stream().map(Architecture::modelType).toList();
    throw config.wrong("model_type", "one of " + known + ", the architectures available here");
  }
}
