package dev.lorikeet.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A GGUF file is a model to every command. */
@Tag("native")
class GgufCommandsTest {
  private static final Path FILE =
      Path.of("../engine/src/test/resources/reference/gguf/llama-q4_k.gguf");

  @TempDir Path temp;
  private final Terminal terminal = new Terminal();

  @Test
  void aFileIsInspectedScoredGeneratedFromAndTuned() throws IOException {
    assertEquals(0, terminal.run("inspect", FILE.toString(), "--json"), terminal.err());
    assertEquals("llama", terminal.json().path("architecture").asString(), terminal.out());
    assertEquals("Q4_K and F32", terminal.json().path("dtype").asString());
    assertEquals(
        0,
        terminal.run("score", "--model", FILE.toString(), "--json", "--text", "The tree sang"),
        terminal.err());
    assertTrue(terminal.json().path("sum").asDouble() < 0);
    assertEquals(
        0,
        terminal.run(
            "generate", "--model", FILE.toString(), "--prompt", "The", "--max-new-tokens", "3"),
        terminal.err());
    Path recipe = TinyModel.recipe(temp);
    Files.writeString(
        recipe,
        Files.readString(recipe)
            .replace(TinyModel.FOLDER.toString(), FILE.toString())
            .replace("max_seq_len: 200", "max_seq_len: 96"));
    assertEquals(0, terminal.run("finetune", recipe.toString()), terminal.err());
  }

  @Test
  void aPickleIsRefusedWithTheCommandThatConverts() throws IOException {
    Path pickle = Files.writeString(temp.resolve("model.pt"), "pickle");
    assertEquals(
        2, terminal.run("score", "--model", pickle.toString(), "--text", "x"), terminal.err());
    assertTrue(terminal.err().contains("save_pretrained("), terminal.err());
  }
}
