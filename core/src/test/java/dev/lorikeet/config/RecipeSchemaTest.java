package dev.lorikeet.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.ConfigException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The published schema says what the records say. */
class RecipeSchemaTest {
  private static final String COMPLETE = "model: {path: m}\ndata: {train: t}\n";

  private final JsonNode schema = schema();

  @Test
  void schemaIsDraft202012() {
    assertEquals(
        "https://json-schema.org/draft/2020-12/schema", schema.path("$schema").stringValue());
  }

  @Test
  void schemaHasExactlyTheKeysOfTheRecords() {
    Set<String> keys = new TreeSet<>();
    for (var top : schema.path("properties").properties()) {
      if (top.getValue().has("properties")) {
        top.getValue()
            .path("properties")
            .propertyNames()
            .forEach(key -> keys.add(top.getKey() + "." + key));
      } else {
        keys.add(top.getKey());
      }
    }
    assertEquals(new TreeSet<>(RecipeKeys.all()), keys);
  }

  @Test
  void schemaRefusesUnknownKeysEverywhere() {
    assertFalse(schema.path("additionalProperties").asBoolean(true));
    for (JsonNode section : schema.path("properties")) {
      if (section.has("properties")) {
        assertFalse(section.path("additionalProperties").asBoolean(true));
      }
    }
  }

  @Test
  void schemaRequiresWhatHasNoDefault() {
    forEachKey((key, component, node) -> {
      boolean required =
          new RecipeValue(component.getType(), component.getGenericType(), key).required(component);
      assertEquals(required, !node.has("default"), key);
      int dot = key.indexOf('.');
      JsonNode owner = dot < 0 ? schema : schema.path("properties").path(key.substring(0, dot));
      boolean listed = false;
      for (JsonNode name : owner.path("required")) {
        listed |= name.stringValue().equals(key.substring(dot + 1));
      }
      assertEquals(required, listed, key);
    });
  }

  @Test
  void schemaHasTheDefaultsOfTheRecords() {
    forEachKey((key, component, node) -> {
      // Its default is right only beside data.sources.
      if (node.has("default") && !key.equals("data.train")) {
        // Of path and id one has to be there, so the default of one needs the other.
        String complete =
            key.equals("model.path") ? COMPLETE.replace("path: m", "id: m") : COMPLETE;
        RunConfig written =
            Recipe.parse(complete, "schema", List.of(key + "=" + node.path("default")));
        assertEquals(
            Recipe.parse(complete, "defaults", List.of()),
            written,
            key + ": " + node.path("default"));
      }
    });
  }

  @Test
  void schemaHasTheTypesOfTheRecords() {
    forEachKey((key, component, node) -> {
      Class<?> type = component.getType();
      List<String> expected =
          type == int.class || type == long.class
              ? List.of("integer")
              : type == OptionalInt.class
                  ? List.of("integer", "null")
                  : type == double.class
                      ? List.of("number")
                      : type == boolean.class
                          ? List.of("boolean")
                          : type == Optional.class
                              ? ofOptional(component)
                              : type == OptionalDouble.class
                                  ? List.of("number", "null")
                                  : type == List.class
                                      ? List.of("array")
                                      : type == Map.class
                                          ? List.of("object")
                                          : type == ModuleSelection.class
                                                  || type == DataSettings.Validation.class
                                                  || type == InitLoraWeights.class
                                                  || type == MicroBatchSize.class
                                              ? List.of()
                                              : List.of("string");
      assertEquals(expected, texts(node.path("type")), key);
    });
  }

  private static List<String> ofOptional(RecordComponent component) {
    return component.getGenericType().toString().contains("ModuleSelection")
        ? List.of()
        : List.of("string", "null");
  }

  @Test
  void schemaHasTheChoicesOfTheEnums() {
    forEachKey((key, component, node) -> {
      List<String> expected =
          component.getType().isEnum()
              ? Arrays.stream(component.getType().getEnumConstants())
                  .map(constant -> ((Choice) constant).spelling())
                  .toList()
              : List.of();
      assertEquals(expected, texts(node.path("enum")), key);
    });
  }

  @Test
  void everyNumberHasTheBoundsThatTheRecordsEnforce() {
    List<String> probed = new ArrayList<>();
    forEachKey((key, component, node) -> {
      JsonNode number = node.has("oneOf") ? node.path("oneOf").path(0) : node;
      if (number.has("minimum")) {
        double minimum = number.path("minimum").doubleValue();
        boolean whole = texts(number.path("type")).contains("integer");
        assertAccepted(key, whole ? "" + (long) minimum : "" + minimum);
        assertRefused(key, whole ? "" + ((long) minimum - 1) : "" + (minimum - 1e-9));
        probed.add(key);
      }
      if (number.has("exclusiveMinimum")) {
        assertRefused(key, number.path("exclusiveMinimum").toString());
        assertAccepted(key, "1.0e-300");
        probed.add(key);
      }
      if (number.has("maximum")) {
        double maximum = number.path("maximum").doubleValue();
        boolean whole = texts(number.path("type")).contains("integer");
        assertAccepted(key, whole ? "" + (long) maximum : "" + maximum);
        assertRefused(key, whole ? "" + ((long) maximum + 1) : "" + (maximum + 1e-9));
      }
      if (number.has("exclusiveMaximum")) {
        assertRefused(key, number.path("exclusiveMaximum").toString());
        assertAccepted(key, "0.999999");
      }
    });
    assertTrue(probed.size() >= 12, probed.toString());
  }

  private static void assertAccepted(String key, String value) {
    // A global batch of 1 fits only a micro-batch of 1, so that stands beside every probe.
    List<String> overrides = new ArrayList<>(List.of("train.micro_batch=1", key + "=" + value));
    overrides.addAll(besides(key));
    Recipe.parse(COMPLETE, "probe", overrides);
  }

  /** What has to be chosen so that {@code key} has an effect. */
  private static List<String> besides(String key) {
    return switch (key) {
      case "train.momentum" -> List.of("train.optimizer=sgd");
      case "train.schedule_power" -> List.of("train.schedule=polynomial");
      case "train.decay_steps", "train.decay_ratio" ->
          List.of("train.schedule=warmup_stable_decay");
      default -> List.of();
    };
  }

  private static void assertRefused(String key, String value) {
    ConfigException refused =
        assertThrows(
            ConfigException.class,
            () -> Recipe.parse(COMPLETE, "probe", List.of(key + "=" + value)),
            key + "=" + value);
    assertTrue(message(refused).contains(key + " must be"), refused.getMessage());
  }

  private interface KeyTest {
    void check(String key, RecordComponent component, JsonNode node);
  }

  private void forEachKey(KeyTest test) {
    for (RecordComponent component : RunConfig.class.getRecordComponents()) {
      String key = RecipeKeys.key(component);
      JsonNode node = schema.path("properties").path(key);
      if (component.getType().isRecord()) {
        for (RecordComponent inner : component.getType().getRecordComponents()) {
          String innerKey = RecipeKeys.key(inner);
          test.check(key + "." + innerKey, inner, node.path("properties").path(innerKey));
        }
      } else {
        test.check(key, component, node);
      }
    }
  }

  private static List<String> texts(JsonNode node) {
    if (node.isString()) {
      return List.of(node.stringValue());
    }
    List<String> texts = new ArrayList<>();
    node.forEach(item -> texts.add(item.stringValue()));
    return texts;
  }

  private static JsonNode schema() {
    try (InputStream stream = RunConfig.class.getResourceAsStream("recipe.schema.json")) {
      return JsonMapper.shared().readTree(stream.readAllBytes());
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String message(Throwable thrown) {
    return String.valueOf(thrown.getMessage());
  }
}
