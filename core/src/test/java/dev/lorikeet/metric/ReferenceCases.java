package dev.lorikeet.metric;

import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Cases that the scripts in reference/metrics wrote. */
public final class ReferenceCases {
  private ReferenceCases() {}

  /** The cases of one script that have {@code key}; at least one. */
  public static List<JsonNode> with(String fixture, String key) {
    List<JsonNode> cases = new ArrayList<>();
    try (InputStream file =
        ReferenceCases.class.getResourceAsStream("/reference/metrics/" + fixture + ".json")) {
      assertNotNull(file, fixture);
      for (JsonNode one : JsonMapper.builder().build().readTree(file).path("cases")) {
        if (one.has(key)) {
          cases.add(one);
        }
      }
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
    assertTrue(!cases.isEmpty(), fixture + " has no cases with " + key);
    return cases;
  }

  /** The cases whose {@code kind} is as given. */
  public static List<JsonNode> ofKind(String fixture, String kind) {
    List<JsonNode> cases =
        with(fixture, "kind").stream()
            .filter(one -> one.path("kind").asString().equals(kind))
            .toList();
    assertTrue(!cases.isEmpty(), fixture + " has no cases of " + kind);
    return cases;
  }

  static List<String> texts(JsonNode list) {
    List<String> texts = new ArrayList<>();
    list.forEach(text -> texts.add(text.asString()));
    return texts;
  }

  /** A list of numbers. */
  public static double[] numbers(JsonNode list) {
    double[] numbers = new double[list.size()];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = list.get(i).asDouble();
    }
    return numbers;
  }

  static Metric metric(String text) {
    return MetricRegistry.standard(CommandPolicy.ALLOW).create(MetricSpec.parse(text));
  }

  static double score(Metric metric, String answer, String... expected) {
    return metric.score(Item.written("1", "", answer, List.of(expected))).value();
  }
}
