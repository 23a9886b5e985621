package dev.lorikeet.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

@Tag("native")
class GenerateCommandTest {
  private static final Path STORIES = Path.of("../../shared/data/models/stories260K");

  @TempDir Path temp;
  private final Terminal terminal = new Terminal();

  private int generate(String... more) {
    List<String> args = new ArrayList<>(List.of("generate", "--model"));
    args.add(TinyModel.FOLDER.toString());
    args.addAll(List.of(more));
    return terminal.run(args.toArray(String[]::new));
  }

  private void assertRefused(String message, String... args) {
    assertEquals(2, generate(args), terminal.err());
    assertTrue(terminal.err().startsWith("error: "), terminal.err());
    assertTrue(terminal.err().contains(message), terminal.err());
    assertEquals("", terminal.out());
  }

  @Test
  void onlyTheContinuationIsPrinted() {
    assertEquals(0, generate("--prompt", "The tree", "--max-new-tokens", "7", "--json"));
    JsonNode json = terminal.json();
    assertEquals("The tree", json.path("prompt").asString());
    assertEquals(7, json.path("tokens").size());
    assertEquals("length", json.path("stop").asString());
    assertTrue(json.path("seconds").asDouble() > 0);
    assertEquals(
        7 / json.path("seconds").asDouble(), json.path("tokens_per_second").asDouble(), 1e-6);

    assertEquals(0, generate("--prompt", "The tree", "--max-new-tokens", "7"), terminal.err());
    assertEquals(json.path("text").asString() + "\n", terminal.out());
    assertEquals("", terminal.err());
  }

  @Test
  void theBaseCanBeQuantised() {
    assertEquals(
        0,
        generate("--prompt", "The tree", "--max-new-tokens", "9", "--quantization", "nf4"),
        terminal.err());
    assertRefused(
        "--quantization must be one of none, nf4, fp4, int8, found \"auto\"",
        "--prompt",
        "x",
        "--quantization",
        "auto");
    assertRefused(
        "--quant-block-size must be a power of two from 32 to 4096, found 65",
        "--prompt",
        "x",
        "--quantization",
        "nf4",
        "--quant-block-size",
        "65");
  }

  @Test
  void promptCanComeFromStandardInput() {
    generate("--prompt", "Größe 🦜", "--json", "--max-new-tokens", "5");
    JsonNode direct = terminal.json();

    terminal.input("Größe 🦜");
    assertEquals(0, generate("--prompt", "-", "--json", "--max-new-tokens", "5"), terminal.err());

    assertEquals(direct.path("prompt"), terminal.json().path("prompt"));
    assertEquals(direct.path("tokens"), terminal.json().path("tokens"));
  }

  @Test
  void drawsDependOnTheSeedAlone() {
    String[] drawn = {"--prompt", "The", "--temperature", "1", "--json", "--seed", "1"};
    generate(drawn);
    JsonNode first = terminal.json().path("tokens");
    generate(drawn);
    assertEquals(first, terminal.json().path("tokens"));

    drawn[drawn.length - 1] = "2";
    generate(drawn);
    assertNotEquals(first, terminal.json().path("tokens"));
  }

  @Test
  void theContextEndsTheText() {
    assertEquals(
        0,
        generate("--prompt", "é".repeat(120), "--json", "--max-new-tokens", "1000"),
        terminal.err());

    // <s> and two bytes a letter; the last token made is not read again.
    assertEquals("context", terminal.json().path("stop").asString());
    assertEquals(256 - 241 + 1, terminal.json().path("tokens").size());
  }

  @Test
  void promptBeyondTheContextIsRefused() {
    assertRefused(
        "the prompt has 301 tokens, but the model's context holds 256; shorten the prompt",
        "--prompt",
        "é".repeat(150));
  }

  @Test
  void promptWithAnUnknownTokenIsRefused() {
    Path model = TinyModel.copy(temp);
    TinyModel.addToken(model);

    assertEquals(2, terminal.run("generate", "--model", model.toString(), "--prompt", "a<note>"));
    assertTrue(terminal.err().contains("gives id 288 for \"<note>\""), terminal.err());
  }

  @Test
  void numbersOutOfRangeAreRefused() {
    assertRefused("--temperature must be 0 or more", "--prompt", "a", "--temperature", "-1");
    assertRefused("--top-p must be above 0 and at most 1", "--prompt", "a", "--top-p", "0");
    assertRefused("--max-new-tokens must be 1 or more", "--prompt", "a", "--max-new-tokens", "0");
    assertRefused("Invalid value for option '--seed'", "--prompt", "a", "--seed", "x");
    assertRefused("Missing required option: '--prompt=TEXT'");
  }

  @Test
  void adaptersHaveToBeThere() {
    assertRefused(
        "name the folder that holds it beside adapter_model.safetensors",
        "--prompt",
        "a",
        "--adapter",
        temp.toString());
    assertRefused("nowhere", "--prompt", "a", "--adapter", temp.resolve("nowhere").toString());
  }

  @Test
  void adapterOfARunIsPointedOut() throws IOException {
    Path adapter = Files.createDirectory(temp.resolve("adapter"));
    TinyModel.write(adapter.resolve("adapter_config.json"), "{}");

    assertRefused(
        "it is a run, whose adapter is in " + adapter,
        "--prompt",
        "a",
        "--adapter",
        temp.toString());
  }

  @Test
  void aRealModelTellsThePublishedStory() {
    assumeTrue(Files.exists(STORIES), "shared/data/models/stories260K is not here");
    String expected = TinyModel.read(STORIES.resolve("expected.txt"));

    assertEquals(
        0,
        terminal.run(
            "generate",
            "--model",
            STORIES.toString(),
            "--prompt",
            "Once upon a time",
            "--max-new-tokens",
            "200"),
        terminal.err());

    assertTrue(expected.contains("Once upon a time" + terminal.out().strip()), terminal.out());
  }
}
