package dev.lorikeet.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Which files of weights a checkpoint needs by its own account. */
final class SafetensorsNames {
  private static final String SINGLE = "model.safetensors";
  private static final String INDEX = "model.safetensors.index.json";
  private static final JsonMapper JSON = JsonMapper.builder().build();

  private SafetensorsNames() {}

  /** The shards that the index in {@code folder} names; without an index the only file. */
  static List<String> needed(Path folder) {
    Path index = folder.resolve(INDEX);
    if (Files.exists(folder.resolve(SINGLE)) || !Files.exists(index)) {
      return List.of(SINGLE);
    }
    try {
      JsonNode map = JSON.readTree(Files.readAllBytes(index)).path("weight_map");
      List<String> shards =
          map.properties().stream()
              .map(entry -> entry.getValue().asString(""))
              .filter(name -> HubFile.problem(name).isEmpty())
              .distinct()
              .sorted()
              .toList();
      return shards.isEmpty() ? List.of(SINGLE) : shards;
    } catch (IOException | JacksonException damaged) {
      return List.of(SINGLE);
    }
  }
}
