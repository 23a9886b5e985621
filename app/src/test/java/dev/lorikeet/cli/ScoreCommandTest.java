package dev.lorikeet.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
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
class ScoreCommandTest {
  private static final Path STORIES = Path.of("../../shared/data/models/stories260K");
  private static final int CONTEXT = 256;

  @TempDir Path temp;
  private final Terminal terminal = new Terminal();

  private int score(Path model, String... more) {
    List<String> args = new ArrayList<>(List.of("score", "--model", model.toString()));
    args.addAll(List.of(more));
    return terminal.run(args.toArray(String[]::new));
  }

  private List<Double> logProbabilities() {
    return terminal.json().path("logprobs").valueStream().skip(1).map(JsonNode::asDouble).toList();
  }

  @Test
  void theDocumentHasExactlyItsFourKeys() {
    assertEquals(0, score(TinyModel.FOLDER, "--json", "--text", "The tree sang"), terminal.err());

    JsonNode json = terminal.json();
    assertEquals(
        List.of("tokens", "logprobs", "sum", "perplexity"), json.propertyNames().stream().toList());
    assertEquals(0, json.path("tokens").path(0).asInt(), "the sequence begins with <s>");
    assertEquals(json.path("tokens").size(), json.path("logprobs").size());
    assertTrue(json.path("logprobs").path(0).isNull());
    List<Double> values = logProbabilities();
    double sum = values.stream().mapToDouble(Double::doubleValue).sum();
    assertEquals(sum, json.path("sum").asDouble(), 1e-9);
    assertEquals(Math.exp(-sum / values.size()), json.path("perplexity").asDouble(), 1e-9);
  }

  @Test
  void aQuantisedBaseScoresAlmostTheSame() {
    score(TinyModel.FOLDER, "--json", "--text", "The tree sang");
    double plain = terminal.json().path("sum").asDouble();
    for (String format : List.of("none", "nf4", "fp4", "int8")) {
      score(TinyModel.FOLDER, "--json", "--text", "The tree sang", "--quantization", format);
      double sum = terminal.json().path("sum").asDouble();
      assertEquals(format.equals("none"), sum == plain, format + " " + sum);
      assertEquals(plain, sum, 0.05 * Math.abs(plain), format);
    }
    String[] blocks = {"--quantization", "nf4", "--no-double-quant", "--quant-block-size", "32"};
    List<String> args = new ArrayList<>(List.of("--json", "--text", "The tree sang"));
    score(TinyModel.FOLDER, "--json", "--text", "The tree sang", "--quantization", "nf4");
    double nf4 = terminal.json().path("sum").asDouble();
    args.addAll(List.of(blocks));
    assertEquals(0, score(TinyModel.FOLDER, args.toArray(String[]::new)), terminal.err());
    assertTrue(terminal.json().path("sum").asDouble() != nf4, "the blocks count");
  }

  @Test
  void aFileIsScoredAsItsText() {
    Path file = TinyModel.write(temp.resolve("text.txt"), "The tree\nsang");
    score(TinyModel.FOLDER, "--json", "--text", "The tree\nsang");
    JsonNode text = terminal.json();

    assertEquals(0, score(TinyModel.FOLDER, "--json", "--file", file.toString()));
    assertEquals(text, terminal.json());

    assertEquals(0, score(TinyModel.FOLDER, "--file", file.toString()), terminal.err());
    assertTrue(terminal.out().matches("(?s)tokens +\\d+\nsum .*\nperplexity .*\n"), terminal.out());
  }

  /** The words of a text are letters of two bytes each, so that tokens can be counted. */
  @Test
  void aLongTextIsReadInWindowsThatBeginAnew() {
    int letters = 300;
    String text = "é".repeat(letters);
    assertEquals(0, score(TinyModel.FOLDER, "--json", "--text", text), terminal.err());

    List<Double> values = logProbabilities();
    assertEquals(2 * letters, values.size());
    assertEquals(
        "note: the text has 601 tokens, more than the model's context of 256: it was read in 3"
            + " windows, each beginning anew.\n",
        terminal.err());
    // Each window is <s> and 255 tokens; the second one begins with the second half of a letter.
    List<Double> third = values.subList(2 * (CONTEXT - 1), values.size());
    assertClose(values.subList(0, third.size()), third);
  }

  @Test
  void withoutAPrefixAWindowBeginsWithTheTokenBefore() {
    Path model = TinyModel.copy(temp);
    TinyModel.removePrefix(model);
    assertEquals(0, score(model, "--json", "--text", "é".repeat(300)), terminal.err());

    assertEquals(600, terminal.json().path("tokens").size());
    List<Double> values = logProbabilities();
    assertEquals(599, values.size());
    assertTrue(terminal.err().contains("in 3 windows"), terminal.err());
    // The third window begins with token 510, the first byte of a letter, like the first one.
    assertClose(values.subList(0, 599 - 510), values.subList(510, 599));
  }

  /** Equal but for the rounding of products whose rows are shared among threads differently. */
  private static void assertClose(List<Double> expected, List<Double> actual) {
    assertEquals(expected.size(), actual.size());
    for (int i = 0; i < expected.size(); i++) {
      assertEquals(expected.get(i), actual.get(i), 1e-5, "at " + i);
    }
  }

  @Test
  void textsThatCannotBeScoredAreRefused() {
    assertEquals(2, score(TinyModel.FOLDER, "--text", ""));
    assertEquals(
        "error: the text to score is empty; give at least one character\n", terminal.err());

    Path model = TinyModel.copy(temp);
    TinyModel.removePrefix(model);
    assertEquals(2, score(model, "--text", "a"));
    assertTrue(terminal.err().startsWith("error: the text to score is one token"), terminal.err());

    TinyModel.addToken(model);
    assertEquals(2, score(model, "--text", "a <note>"));
    assertTrue(terminal.err().contains("gives id 288 for \"<note>\""), terminal.err());
  }

  @Test
  void filesThatCannotBeReadAreRefused() throws IOException {
    assertEquals(2, score(TinyModel.FOLDER, "--file", temp.resolve("none").toString()));
    assertTrue(terminal.err().contains("none does not exist (looked in "), terminal.err());
    assertEquals(2, score(TinyModel.FOLDER, "--file", temp.toString()));
    assertTrue(terminal.err().contains("is a folder; name a text file in it"), terminal.err());
    Path latin = Files.write(temp.resolve("latin.txt"), new byte[] {'a', (byte) 0xe9, 'b'});
    assertEquals(2, score(TinyModel.FOLDER, "--file", latin.toString()));
    assertTrue(terminal.err().contains("is not UTF-8 text"), terminal.err());
  }

  @Test
  void exactlyOneSourceIsNeeded() {
    assertEquals(2, score(TinyModel.FOLDER));
    assertTrue(terminal.err().startsWith("error: Missing required argument"), terminal.err());
    assertEquals(2, score(TinyModel.FOLDER, "--text", "a", "--file", "b"));
    assertTrue(terminal.err().contains("are mutually exclusive"), terminal.err());
  }

  @Test
  void aRealModelGivesThePublishedSum() {
    assumeTrue(Files.exists(STORIES), "shared/data/models/stories260K is not here");

    score(STORIES, "--json", "--text", "Once upon a time, there was a little girl named Lily.");

    assertEquals(-1.50206, terminal.json().path("sum").asDouble(), 1e-4);
    assertEquals(
        List.of(1, 403, 407, 261, 378, 432, 383, 286, 261, 376, 298, 315, 421, 395, 317, 426),
        terminal.json().path("tokens").valueStream().map(JsonNode::asInt).toList());
  }
}
