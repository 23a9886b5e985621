package dev.lorikeet.job;

import dev.lorikeet.error.RunException;
import dev.lorikeet.format.AtomicFile;
import dev.lorikeet.format.BitsAndBytes;
import dev.lorikeet.format.JsonConfig;
import dev.lorikeet.format.StoredLayout;
import dev.lorikeet.format.StoredQuantization;
import dev.lorikeet.format.TensorData;
import dev.lorikeet.model.Architecture;
import dev.lorikeet.nn.WeightsFile;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tokenizer.ChatTemplate;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Writes a model as a Hugging Face checkpoint. */
final class CheckpointWriter {
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();
  private static final List<String> COMPANIONS =
      List.of(
          "tokenizer.json",
          "tokenizer.model",
          "vocab.json",
          "merges.txt",
          "tokenizer_config.json",
          "special_tokens_map.json",
          "added_tokens.json",
          "generation_config.json");
  private static final String HEAD = "lm_head.weight";

  private CheckpointWriter() {}

  /**
   * Writes weights, config and tokenizer; each file is whole or not there. The config names the
   * weights' format, and says whether the head is tied as the weights have it.
   *
   * @param source folder of the model that the parameters come from
   */
  static void write(Path directory, Path source, List<Parameter> parameters, WeightFormat format) {
    copyCompanions(directory, source);
    writeConfig(directory, source, config -> describe(config, parameters, format));
    WeightsFile.write(
        directory.resolve("model.safetensors"), parameters, format.stored(), layout(source));
  }

  /** The same with every weight in the format that it is held in, bit for bit. */
  static void writeAsHeld(Path directory, Path source, List<Parameter> parameters) {
    copyCompanions(directory, source);
    writeConfig(
        directory, source, config -> describe(config, parameters, WeightFormat.of(parameters)));
    WeightsFile.writeAsHeld(
        directory.resolve("model.safetensors"), parameters, Map.of(), layout(source));
  }

  private static void describe(ObjectNode config, List<Parameter> parameters, WeightFormat format) {
    config.remove("quantization_config");
    config.put("dtype", format.spelling());
    if (parameters.stream().anyMatch(parameter -> parameter.name().equals(HEAD))) {
      config.put("tie_word_embeddings", false);
    }
  }

  /**
   * The same for a model whose linear maps are quantised, in bitsandbytes' layout.
   *
   * @param weights the quantised weights by name, at least one
   */
  static void writeQuantised(
      Path directory,
      Path source,
      List<Parameter> parameters,
      Map<String, StoredQuantization> weights) {
    Map<String, TensorData> tensors = new LinkedHashMap<>();
    weights.forEach((name, weight) -> tensors.putAll(BitsAndBytes.tensors(name, weight)));
    StoredQuantization any = weights.values().iterator().next();
    copyCompanions(directory, source);
    writeConfig(
        directory,
        source,
        config -> {
          config.put("dtype", WeightFormat.of(parameters).spelling());
          config.set("quantization_config", JSON.valueToTree(BitsAndBytes.config(any)));
        });
    WeightsFile.writeAsHeld(
        directory.resolve("model.safetensors"), parameters, tensors, layout(source));
  }

  /** How files of the model's family hold its weights. */
  private static StoredLayout layout(Path source) {
    return Architecture.of(JsonConfig.read(source.resolve("config.json")));
  }

  private static void copyCompanions(Path directory, Path source) {
    try {
      Files.createDirectories(directory);
      for (String name : COMPANIONS) {
        Path file = source.resolve(name);
        if (Files.exists(file)) {
          byte[] bytes = Files.readAllBytes(file);
          AtomicFile.write(directory.resolve(name), out -> out.write(bytes));
        }
      }
      ChatTemplate.copy(source, directory);
    } catch (IOException failure) {
      throw new RunException(
          "the tokenizer could not be copied from " + source + " to " + directory, failure);
    }
  }

  private static void writeConfig(Path directory, Path source, Consumer<ObjectNode> change) {
    ObjectNode config = (ObjectNode) JSON.readTree(source.resolve("config.json").toFile());
    config.remove("torch_dtype");
    change.accept(config);
    AtomicFile.writeString(
        directory.resolve("config.json"), JSON.writeValueAsString(config) + "\n");
  }
}
