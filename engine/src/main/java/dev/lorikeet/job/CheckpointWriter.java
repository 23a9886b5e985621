package dev.lorikeet.job;

import dev.lorikeet.error.RunException;
import dev.lorikeet.format.AtomicFile;
import dev.lorikeet.format.StoredType;
import dev.lorikeet.nn.WeightsFile;
import dev.lorikeet.tape.Parameter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Writes a fully trained model as a Hugging Face checkpoint with float32 weights. */
final class CheckpointWriter {
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();
  private static final List<String> COMPANIONS =
      List.of(
          "tokenizer.json",
          "tokenizer_config.json",
          "special_tokens_map.json",
          "generation_config.json");

  private CheckpointWriter() {}

  /**
   * Writes weights, config and tokenizer; each file is whole or not there.
   *
   * @param source folder of the model that was trained
   */
  static void write(Path directory, Path source, List<Parameter> parameters) {
    try {
      Files.createDirectories(directory);
      for (String name : COMPANIONS) {
        Path file = source.resolve(name);
        if (Files.exists(file)) {
          byte[] bytes = Files.readAllBytes(file);
          AtomicFile.write(directory.resolve(name), out -> out.write(bytes));
        }
      }
    } catch (IOException failure) {
      throw new RunException(
          "the tokenizer could not be copied from " + source + " to " + directory, failure);
    }
    ObjectNode config = (ObjectNode) JSON.readTree(source.resolve("config.json").toFile());
    config.remove("torch_dtype");
    config.put("dtype", "float32");
    AtomicFile.writeString(
        directory.resolve("config.json"), JSON.writeValueAsString(config) + "\n");
    WeightsFile.write(directory.resolve("model.safetensors"), parameters, StoredType.F32);
  }
}
