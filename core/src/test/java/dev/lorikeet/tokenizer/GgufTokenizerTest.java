package dev.lorikeet.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.FormatException;
import dev.lorikeet.format.Gguf;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Tokenizers of GGUF files give the ids of the tokenizer that the file was made of. */
class GgufTokenizerTest {
  private static final Path RESOURCES = Path.of("src/test/resources/dev/lorikeet/tokenizer");

  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "sentencepiece/llama-legacy",
        "vocab_merges/gpt2",
        "vocab_merges/qwen2",
        "vocab_merges/llama3"
      })
  void idsAreThoseOfTransformers(String name) throws IOException {
    String file = name.substring(name.indexOf('/') + 1) + ".gguf";
    write(RESOURCES.resolve("gguf").resolve(file));
    assertEquals(
        "{{ messages[0].content }}", Files.readString(folder.resolve("chat_template.jinja")));
    JsonNode expected =
        JsonMapper.shared()
            .readTree(Files.readString(RESOURCES.resolve(name).resolve("expected.json")));
    int compared = 0;
    try (Tokenizer tokenizer = HfTokenizer.open(folder)) {
      for (JsonNode example : expected.path("cases")) {
        String text = example.path("text").stringValue();
        // How white space beside an added token is taken is not said in GGUF.
        if (text.contains("<")) {
          continue;
        }
        assertArrayEquals(ints(example.path("ids")), tokenizer.encode(text), name + ": " + text);
        assertArrayEquals(
            ints(example.path("ids_with_specials")),
            tokenizer.encodeWithSpecials(text),
            name + ": " + text);
        compared++;
      }
    }
    assertTrue(compared >= 10, "compared " + compared);
  }

  @Test
  void wordsByDefaultAreThoseOfLlamaCppsExpressions() throws IOException {
    write(RESOURCES.resolve("gguf/default.gguf"));
    JsonNode expected =
        JsonMapper.shared().readTree(Files.readString(RESOURCES.resolve("gguf/default.json")));
    try (Tokenizer tokenizer = HfTokenizer.open(folder)) {
      for (JsonNode example : expected.path("cases")) {
        String text = example.path("text").stringValue();
        assertArrayEquals(ints(example.path("ids")), tokenizer.encode(text), text);
      }
    }
    assertTrue(expected.path("cases").size() >= 7);
  }

  @Test
  void wordsThatAreNotKnownAreRefusedByTheirName() throws IOException {
    byte[] bytes = Files.readAllBytes(RESOURCES.resolve("gguf/gpt2.gguf"));
    String text = new String(bytes, StandardCharsets.ISO_8859_1).replace("gpt-2", "gpt-9");
    Path file = Files.write(folder.resolve("m.gguf"), text.getBytes(StandardCharsets.ISO_8859_1));
    String message =
        String.valueOf(assertThrows(FormatException.class, () -> write(file)).getMessage());
    assertTrue(message.contains("tokenizer.ggml.pre: is gpt-9, and how"), message);
  }

  private void write(Path file) throws IOException {
    try (Gguf gguf = Gguf.open(file)) {
      for (Map.Entry<String, byte[]> content : GgufTokenizer.files(gguf).entrySet()) {
        Files.write(folder.resolve(content.getKey()), content.getValue());
      }
    }
  }

  private static int[] ints(JsonNode list) {
    return list.valueStream().mapToInt(JsonNode::intValue).toArray();
  }
}
