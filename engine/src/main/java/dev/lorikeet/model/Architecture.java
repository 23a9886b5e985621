package dev.lorikeet.model;

import dev.lorikeet.format.JsonConfig;
import dev.lorikeet.format.StoredLayout;
import dev.lorikeet.nn.Linear;
import dev.lorikeet.nn.Weights;
import dev.lorikeet.torch.Device;
import java.util.List;
import java.util.function.Function;

/**
 * A family of models: what its configs are called, and how they are read.
 *
 * @param models published models that are of it
 * @param modelType the value of {@code model_type} in config.json
 * @param reader reads and checks a config
 * @param harmless keys of its configs that change nothing that the model computes
 */
public record Architecture(
    String models,
    String modelType,
    Function<JsonConfig, Blueprint> reader,
    List<String> harmless) {

  /** All of them; a new one is one file and one line here. */
  public static final List<Architecture> ALL =
      List.of(
          new Architecture(
              "Llama 2, 3, 3.1, 3.2; SmolLM2; TinyLlama",
              "llama",
              LlamaConfig::read,
              List.of("is_llama_config", "max_window_layers")),
          new Architecture("Mistral", "mistral", Mistral::read, List.of()),
          new Architecture("Qwen2, Qwen2.5", "qwen2", Qwen2::read, List.of()),
          new Architecture("Qwen3", "qwen3", Qwen3::read, List.of()),
          new Architecture("Phi-1, Phi-1.5, Phi-2", "phi", Phi::read, List.of()),
          new Architecture(
              "Phi-3, Phi-3.5, Phi-4-mini",
              "phi3",
              Phi3::read,
              List.of("attention_bias", "lm_head_bias")),
          new Architecture("Gemma 2", "gemma2", Gemma2::read, List.of("hidden_act")),
          new Architecture("Gemma 3 (text)", "gemma3_text", Gemma3::read, Gemma3.HARMLESS),
          new Architecture("Falcon", "falcon", Falcon::read, List.of()),
          new Architecture("GPT-NeoX, Pythia", "gpt_neox", GptNeox::read, List.of()),
          new Architecture("GPT-2", "gpt2", Gpt2::read, Gpt2.HARMLESS),
          new Architecture("StableLM", "stablelm", StableLm::read, List.of()));

  /** A config that was read and can be built. */
  public interface Blueprint extends StoredLayout {

    /** Tokens of the model's context. */
    int contextLength();

    /** Puts the model together; on failure the caller closes {@code parts}. */
    CausalLm build(ModelParts parts);

    /**
     * The model with all its weights.
     *
     * @param positions tokens that a sequence may have, at most the context length
     */
    default CausalLm build(Weights weights, Device device, int positions, Linear.Wrapper wrapper) {
      ModelParts parts = new ModelParts(weights, device, positions, wrapper);
      try {
        return build(parts);
      } catch (RuntimeException failure) {
        parts.close();
        throw failure;
      }
    }
  }

  /**
   * What a config describes.
   *
   * @throws dev.lorikeet.error.FormatException naming the families that there are, a wrong value,
   *     or a key that is not known
   */
  public static Blueprint of(JsonConfig config) {
    String type = config.requiredString("model_type");
    for (Architecture architecture : ALL) {
      if (architecture.modelType.equals(type)) {
        Blueprint blueprint = architecture.reader.apply(config);
        new ConfigReader(config).requireAllKnown(type, architecture.harmless);
        return blueprint;
      }
    }
    List<String> known = ALL.stream().map(Architecture::modelType).toList();
    throw config.wrong("model_type", "one of " + known + ", the architectures available here");
  }
}
