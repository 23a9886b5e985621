package dev.lorikeet.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

class TokenizeCommandTest {
  @TempDir Path temp;
  private final Terminal terminal = new Terminal();

  private int tokenize(String... more) {
    List<String> args = new ArrayList<>(List.of("tokenize", "--model"));
    args.add(TinyModel.FOLDER.toString());
    args.addAll(List.of(more));
    return terminal.run(args.toArray(String[]::new));
  }

  @Test
  void peopleSeeEveryTokenAndItsPlace() {
    assertEquals(0, tokenize("--text", "The tree\n"), terminal.err());

    assertEquals(
        """
        position   id  piece  offsets  text
               0    0  <s>    0-0
               1  276  Th     0-2      Th
               2   70  e      2-3      e
               3  258  Ġt     3-5      ␣t
               4  265  re     5-7      re
               5   70  e      7-8      e
               6  200  Ċ      8-9      \\n

        7 tokens, 1.50 characters each, 0 unknown, 1 special
        """,
        terminal.out());
    assertEquals("", terminal.err());
  }

  @Test
  void theDocumentHoldsTheSame() {
    assertEquals(0, tokenize("--json", "--text", "a\uD83E\uDD9C b"), terminal.err());

    JsonNode json = terminal.json();
    assertEquals(
        List.of(
            "algorithm",
            "read_from",
            "tokens",
            "count",
            "characters",
            "characters_per_token",
            "unknown",
            "special",
            "beginning"),
        json.propertyNames().stream().toList());
    assertEquals("BPE", json.path("algorithm").asString());
    assertEquals("tokenizer.json", json.path("read_from").asString());
    assertEquals(8, json.path("count").asInt());
    assertEquals(4, json.path("characters").asInt());
    assertEquals(4 / 7.0, json.path("characters_per_token").asDouble());
    assertEquals("plain", json.path("beginning").asString());
    assertEquals(
        Terminal.json(
            "{'position': 0, 'id': 0, 'piece': '<s>', 'start': 0, 'end': 0, 'text': '', 'kind':"
                + " 'added'}"),
        json.path("tokens").path(0));
    JsonNode bird = json.path("tokens").path(2);
    assertEquals("1-3", bird.path("start").asInt() + "-" + bird.path("end").asInt());
    assertEquals("\uD83E\uDD9C", bird.path("text").asString());
    assertEquals(" ", json.path("tokens").path(6).path("text").asString());
  }

  @Test
  void whatTheTokenizerAddsCanBeLeftOut() {
    assertEquals(0, tokenize("--no-special", "--text", "The"), terminal.err());
    assertTrue(
        terminal.out().contains("2 tokens, 1.50 characters each, 0 unknown, 0 special"),
        terminal.out());
  }

  @Test
  void aBeginningThatTheTextWritesOutIsTold() {
    assertEquals(0, tokenize("--json", "--text", "<s>The"), terminal.err());
    assertEquals(3, terminal.json().path("count").asInt());
    assertEquals("written_out", terminal.json().path("beginning").asString());
    assertTrue(
        terminal
            .err()
            .startsWith("note: the text itself begins with <s>, which the tokenizer puts in front"),
        terminal.err());

    assertEquals(0, tokenize("--text", "<s><s>The"), terminal.err());
    assertTrue(
        terminal.err().startsWith("warning: the text itself begins with <s> twice,"),
        terminal.err());
  }

  @Test
  void aFileIsReadAsItStands() {
    Path file = TinyModel.write(temp.resolve("text.txt"), "The tree\r\n");
    assertEquals(0, tokenize("--json", "--file", file.toString()), terminal.err());
    assertEquals(10, terminal.json().path("characters").asInt());
  }

  @Test
  void mistakesAreExplained() {
    assertEquals(2, tokenize());
    assertEquals(2, tokenize("--text", "a", "--file", "b"));
    assertEquals(2, tokenize("--file", temp.resolve("none").toString()));
    assertTrue(terminal.err().contains("does not exist"), terminal.err());
    Path none = temp.resolve("none");
    assertEquals(2, terminal.run("tokenize", "--model", none.toString(), "--text", "a"));
    assertTrue(terminal.err().contains(none + ": there is no such folder"), terminal.err());
    assertEquals(2, terminal.run("tokenize", "--model", temp.toString(), "--text", "a"));
    assertTrue(terminal.err().contains("tokenizer.json: does not exist, nor does"), terminal.err());
  }

  @Test
  void everyCharacterCanBeSeen() {
    assertEquals("a\u2423b\\n\\t\\r", VisibleText.of("a b\n\t\r"));
    assertEquals(
        "\\u{A0}\\u{0}\\u{200D}\\u{2028}\\u{E000}", VisibleText.of("\u00A0\0\u200D\u2028\uE000"));
    assertEquals(
        "\u00E9\u65E5\uD83E\uDD9C\\u{D83E}", VisibleText.of("\u00E9\u65E5\uD83E\uDD9C\uD83E"));
  }
}
