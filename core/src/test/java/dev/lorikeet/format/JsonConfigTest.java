package dev.lorikeet.format;

import static dev.lorikeet.format.Fixtures.assertSays;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.FormatException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

final class JsonConfigTest {
  @TempDir private Path folder;

  private JsonConfig config(String json) {
    return JsonConfig.read(Fixtures.write(folder.resolve("config.json"), json));
  }

  private static FormatException refused(Executable call) {
    return assertThrows(FormatException.class, call);
  }

  @Test
  void valuesHaveTheirTypes() {
    JsonConfig config =
        config(
            """
            {"hidden_size": 64, "rms_norm_eps": 1e-05, "rope_theta": 10000, "limit": Infinity,
             "tie_word_embeddings": true, "model_type": "llama", "pad_token_id": null,
             "eos_token_id": [2, 3], "bos_token_id": 1, "architectures": ["LlamaForCausalLM"],
             "rope_parameters": {"rope_theta": 5e5, "inner": {"deep": "x"}}}
            """);
    assertEquals(64, config.requiredInt("hidden_size"));
    assertEquals(1e-5, config.requiredDouble("rms_norm_eps"));
    assertEquals(10000.0, config.optDouble("rope_theta", 1));
    assertEquals(Double.POSITIVE_INFINITY, config.requiredDouble("limit"));
    assertTrue(config.optBoolean("tie_word_embeddings", false));
    assertEquals("llama", config.requiredString("model_type"));
    assertEquals(List.of(2, 3), config.intList("eos_token_id"));
    assertEquals(List.of(1), config.intList("bos_token_id"));
    assertEquals(List.of("LlamaForCausalLM"), config.stringList("architectures"));
    JsonConfig rope = config.object("rope_parameters").orElseThrow();
    assertEquals(5e5, rope.requiredDouble("rope_theta"));
    assertEquals("x", rope.object("inner").orElseThrow().requiredString("deep"));
    assertEquals(Set.of("rope_theta", "inner"), rope.keys());
  }

  @Test
  void nullAndAbsentGiveTheFallback() {
    JsonConfig config = config("{\"a\": null}");
    for (String key : List.of("a", "b")) {
      assertFalse(config.has(key));
      assertEquals(7, config.optInt(key, 7));
      assertEquals(0.5, config.optDouble(key, 0.5));
      assertTrue(config.optBoolean(key, true));
      assertEquals(OptionalInt.empty(), config.findInt(key));
      assertEquals(Optional.empty(), config.findString(key));
      assertTrue(config.object(key).isEmpty());
      assertEquals(List.of(), config.intList(key));
    }
  }

  @Test
  void aMissingKeySaysWhatIsExpected() {
    JsonConfig config = config("{\"pad\": null}");
    assertSays(
        refused(() -> config.requiredInt("hidden_size")),
        folder.resolve("config.json") + ", hidden_size: the key is missing; expected an integer.");
    assertSays(refused(() -> config.requiredString("pad")), "pad: the key is missing");
    assertSays(refused(() -> config.requiredDouble("eps")), "eps: the key is missing");
  }

  @Test
  void aValueOfAnotherTypeIsShown() {
    JsonConfig config =
        config(
            """
            {"int": "64", "half": 1.5, "whole": 2.0, "huge": 3000000000, "flag": 1, "list": [1, "x"],
             "nest": {"eps": true}, "text": ["a"], "long": "%s"}
            """
                .formatted("y".repeat(100)));
    assertSays(
        refused(() -> config.requiredInt("int")),
        "config.json, int: expected an integer, found string \"64\".");
    assertSays(
        refused(() -> config.optInt("half", 1)), "half: expected an integer, found number 1.5");
    assertSays(refused(() -> config.optInt("whole", 1)), "whole: expected an integer");
    assertSays(refused(() -> config.optInt("huge", 1)), "found number 3000000000");
    assertSays(
        refused(() -> config.optBoolean("flag", true)),
        "flag: expected true or false, found number 1");
    assertSays(
        refused(() -> config.intList("list")),
        "list: expected an integer or a list of integers, found array [1,\"x\"]");
    assertSays(
        refused(() -> config.object("nest").orElseThrow().findDouble("eps")),
        "nest.eps: expected a number, found boolean true");
    assertSays(refused(() -> config.findString("text")), "expected a string, found array [\"a\"]");
    assertSays(refused(() -> config.object("int")), "int: expected an object");
    assertSays(refused(() -> config.requiredInt("long")), "yyy....");
  }

  @Test
  void filesThatAreNoObjectAreRefused() {
    assertSays(
        refused(() -> JsonConfig.read(folder.resolve("none.json"))),
        "none.json: cannot be read: the file does not exist");
    assertSays(refused(() -> config("[1]")), "expected a JSON object, found array [1]");
    assertSays(refused(() -> config("")), "expected a JSON object, found nothing");
    assertSays(
        refused(() -> config("{\n\"a\": oops}")), "is not valid JSON", "oops", "(line 2, column");
    assertSays(refused(() -> config("{\"a\": 1")), "is not valid JSON");
    assertSays(refused(() -> config("{} {}")), "is not valid JSON");
    assertSays(refused(() -> config("{\"a\": 1, \"a\": 2}")), "Duplicate", "\"a\"");
    assertSays(refused(() -> config("[".repeat(100_000))), "is not valid JSON");
  }

  @Test
  void anAbsurdlyLargeFileIsRefusedUnread() throws IOException {
    Path file = folder.resolve("huge.json");
    try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
      sparse.setLength(5_000_000_000L);
    }
    assertSays(refused(() -> JsonConfig.read(file)), "has more than 100000000 bytes");
  }
}
