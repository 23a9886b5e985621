package dev.lorikeet.metric;

import dev.lorikeet.error.FormatException;
import dev.lorikeet.metric.ItemResults.Header;
import dev.lorikeet.metric.ItemResults.ItemResult;
import dev.lorikeet.metric.ItemResults.TaskIdentity;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The lines of {@link ItemResults}' file. */
final class ItemJson {
  private static final String SCHEMA = "lorikeet-items";
  private static final int VERSION = 1;
  private static final JsonMapper MAPPER =
      JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

  private ItemJson() {}

  static String text(Map<String, Object> json) {
    return MAPPER.writeValueAsString(json);
  }

  static Map<String, Object> of(Header header, int items) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("schema", SCHEMA);
    json.put("version", VERSION);
    json.put("task", header.task().name());
    json.put("task_version", header.task().version());
    json.put("task_sha256", header.task().sha256());
    json.put("data_sha256", header.dataSha256());
    json.put("population", header.population());
    json.put("model", header.model());
    json.put("seed", header.seed());
    json.put("metrics", header.metrics());
    json.put("items", items);
    return json;
  }

  static Map<String, Object> of(ItemResult item) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("id", item.id());
    item.group().ifPresent(group -> json.put("group", group));
    item.generation().ifPresent(text -> json.put("generation", text));
    Map<String, Object> scores = new LinkedHashMap<>();
    item.scores().forEach((metric, score) -> scores.put(metric, of(score)));
    json.put("scores", scores);
    return json;
  }

  private static Map<String, Object> of(ItemScore score) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("value", score.value());
    if (!score.parts().isEmpty()) {
      json.put("parts", score.parts());
    }
    return json;
  }

  /** Reads lines of one file; {@code file} is for messages. */
  record Reader(Path file) {

    /** The first line, and how many items it promises. */
    record Head(Header header, int items) {}

    Head head(String line) {
      JsonNode json = object(line, 1);
      if (!json.path("schema").asString("").equals(SCHEMA)) {
        throw new FormatException(
            file,
            "line 1",
            "is not the beginning of an items file (schema "
                + SCHEMA
                + "). Choose items.jsonl of"
                + " an evaluation.");
      }
      int version = number(json, "version", 1).intValue();
      if (version != VERSION) {
        throw new FormatException(
            file,
            "line 1",
            "has version %d, this program reads %d. Use the program that wrote it."
                .formatted(version, VERSION));
      }
      List<String> metrics = new ArrayList<>();
      json.path("metrics").forEach(name -> metrics.add(name.asString("")));
      TaskIdentity task =
          new TaskIdentity(
              text(json, "task", 1), text(json, "task_version", 1), text(json, "task_sha256", 1));
      Header header =
          new Header(
              task,
              text(json, "data_sha256", 1),
              number(json, "population", 1).intValue(),
              text(json, "model", 1),
              number(json, "seed", 1).longValue(),
              metrics);
      return new Head(header, number(json, "items", 1).intValue());
    }

    ItemResult item(String line, int number, List<String> metrics) {
      JsonNode json = object(line, number);
      Map<String, ItemScore> scores = new LinkedHashMap<>();
      for (String metric : metrics) {
        JsonNode score = json.path("scores").path(metric);
        Map<String, Double> parts = new LinkedHashMap<>();
        score
            .path("parts")
            .properties()
            .forEach(part -> parts.put(part.getKey(), finite(part.getValue(), number)));
        scores.put(metric, new ItemScore(finite(score.path("value"), number), parts));
      }
      if (json.path("scores").size() != metrics.size()) {
        throw new FormatException(
            file, "line " + number, "has scores that the first line does not name");
      }
      return new ItemResult(
          text(json, "id", number), optional(json, "group"), optional(json, "generation"), scores);
    }

    private JsonNode object(String line, int number) {
      try {
        JsonNode json = MAPPER.readTree(line);
        if (json.isObject()) {
          return json;
        }
      } catch (JacksonException broken) {
        throw new FormatException(
            file, "line " + number + " is not JSON: " + broken.getOriginalMessage(), broken);
      }
      throw new FormatException(file, "line " + number, "is not a JSON object");
    }

    private String text(JsonNode json, String key, int line) {
      return optional(json, key)
          .orElseThrow(
              () -> new FormatException(file, "line " + line, "the text " + key + " is missing"));
    }

    private static Optional<String> optional(JsonNode json, String key) {
      JsonNode value = json.path(key);
      return value.isString() ? Optional.of(value.asString()) : Optional.empty();
    }

    private Number number(JsonNode json, String key, int line) {
      JsonNode value = json.path(key);
      if (!value.isIntegralNumber()) {
        throw new FormatException(file, "line " + line, "the whole number " + key + " is missing");
      }
      return value.asLong();
    }

    private double finite(JsonNode value, int line) {
      if (!value.isNumber() || !Double.isFinite(value.asDouble())) {
        throw new FormatException(
            file, "line " + line, "a score is missing or is not a number: " + value);
      }
      return value.asDouble();
    }
  }
}
