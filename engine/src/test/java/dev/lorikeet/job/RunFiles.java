package dev.lorikeet.job;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** What a run left in its folder, as far as it repeats. */
final class RunFiles {
  private static final Set<String> TIMES =
      Set.of(
          "tokens_per_second", "cpu_utilisation", "current_bytes", "peak_bytes", "elapsed_nanos");

  private RunFiles() {}

  /** The trained weights, byte by byte. */
  static byte[] weights(FineTuneResult result) throws IOException {
    return weights(result.output());
  }

  static byte[] weights(Path output) throws IOException {
    Path adapter = output.resolve("adapter_model.safetensors");
    return Files.readAllBytes(
        Files.exists(adapter) ? adapter : output.resolve("model.safetensors"));
  }

  /** The measurements without those of time and memory. */
  static List<JsonNode> metrics(Path directory) throws IOException {
    return Files.readAllLines(directory.resolve("metrics.jsonl")).stream()
        .map(line -> {
          ObjectNode row = (ObjectNode) JsonMapper.shared().readTree(line);
          row.remove(TIMES);
          return (JsonNode) row;
        })
        .toList();
  }

  /** The steps that have a checkpoint; nothing else may lie beside them. */
  static List<Long> checkpoints(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory.resolve("checkpoints"))) {
      return files
          .map(file -> String.valueOf(file.getFileName()))
          .map(name -> Long.parseLong(name.substring("step-".length())))
          .sorted()
          .toList();
    }
  }

  static void assertSameResult(FineTuneResult expected, FineTuneResult actual) throws IOException {
    assertArrayEquals(weights(expected), weights(actual));
    assertEquals(metrics(expected.directory()), metrics(actual.directory()));
    assertEquals(expected.steps(), actual.steps());
    assertEquals(expected.tokens(), actual.tokens());
    assertEquals(expected.trainLoss(), actual.trainLoss());
    assertEquals(expected.validationBefore(), actual.validationBefore());
    assertEquals(expected.validationAfter(), actual.validationAfter());
    assertEquals(expected.accuracyAfter(), actual.accuracyAfter());
    assertEquals(checkpoints(expected.directory()), checkpoints(actual.directory()));
  }
}
