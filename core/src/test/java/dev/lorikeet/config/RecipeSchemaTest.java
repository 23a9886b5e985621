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
    RunConfig defaults = Recipe.parse(COMPLETE, "defaults", List.of());
    forEachKey((key, component, node) -> {
      if (node.has("default")) {
        RunConfig written =
            Recipe.parse(COMPLETE, "schema", List.of(key + "=" + node.path("default")));
        assertEquals(defaults, written, key + ": " + node.path("default"));
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
                              ? List.of("string", "null")
                              : type == OptionalDouble.class
                                  ? List.of("number", "null")
                                  : type == List.class || type == DataSettings.Validation.class
                                      ? List.of()
                                      : List.of("string");
      assertEquals(expected, texts(node.path("type")), key);
    });
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
      if (number.has("exclusiveMaximum")) {
        assertRefused(key, number.path("exclusiveMaximum").toString());
        assertAccepted(key, "0.999999");
      }
    });
    assertTrue(probed.size() >= 12, probed.toString());
  }

  private static void assertAccepted(String key, String value) {
    // A global batch of 1 fits only a micro-batch of 1, so that stands beside every probe.
    Recipe.parse(COMPLETE, "probe", List.of("train.micro_batch=1", key + "=" + value));
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
