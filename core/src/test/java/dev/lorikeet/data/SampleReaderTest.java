package dev.lorikeet.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.config.DataSettings.Format;
import dev.lorikeet.config.DataSettings.Loss;
import dev.lorikeet.data.DataProvenance.Source;
import dev.lorikeet.error.DataException;
import dev.lorikeet.source.DataFile;
import java.io.IOException;
import java.io.StringWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SampleReaderTest {
  @TempDir private Path folder;

  @Test
  void alpacaPromptWithInputIsLitgpts() {
    assertEquals(
        """
        Below is an instruction that describes a task, paired with an input that provides further \
        context. Write a response that appropriately completes the request.

        ### Instruction:
        Name the bird.

        ### Input:
        It is green.

        ### Response:
        """,
        AlpacaPrompt.of("Name the bird.", "It is green."));
  }

  @Test
  void alpacaPromptWithoutInputIsLitgpts() {
    assertEquals(
        """
        Below is an instruction that describes a task. Write a response that appropriately \
        completes the request.

        ### Instruction:
        Name a bird.

        ### Response:
        """,
        AlpacaPrompt.of("Name a bird.", ""));
  }

  @Test
  void alpacaArraysAndLinesGiveTheSameSamples() {
    String first = "{\"instruction\": \"i\", \"input\": \"x\", \"output\": \"o\"}";
    String second = "{\"output\": \"p\", \"extra\": [1, {\"a\": 2}], \"instruction\": \"j\"}";
    String third = "{\"instruction\": \"k\", \"input\": null, \"output\": \"\"}";
    List<String> expected =
        List.of(
            "0: " + AlpacaPrompt.of("i", "x") + "|o",
            "1: " + AlpacaPrompt.of("j", "") + "|p",
            "2: " + AlpacaPrompt.of("k", "") + "|");
    String array = "[\n" + first + ",\n" + second + ",\n" + third + "\n]\n";
    String lines = first + "\n\n" + second + "\n" + third;
    for (String content : List.of(array, lines)) {
      assertEquals(expected, texts(write("a.json", content), Format.ALPACA, PieceStyle.ALPACA));
      assertEquals(
          expected,
          texts(
              write("a.jsonl", "\uFEFF" + content.replace("\n", "\r\n")),
              Format.AUTO,
              PieceStyle.ALPACA));
    }
  }

  @Test
  void promptCompletionAndTextRecordsAreTakenAsTheyAre() {
    assertEquals(
        List.of("0:  p\n|c "),
        texts(
            write("a.jsonl", "{\"prompt\": \" p\\n\", \"completion\": \"c \"}"),
            Format.PROMPT_COMPLETION,
            PieceStyle.PLAIN));
    assertEquals(
        List.of(new Sample.Document(0, "one\r\n"), new Sample.Document(1, "two")),
        SampleReader.readAll(
            write("a.JSONL", "{\"text\": \"one\\r\\n\"}\n{\"text\": \"two\"}"), Format.TEXT));
  }

  @Test
  void plainTextIsOneBookWithLineFeeds() throws IOException {
    Path file = write("a.txt", "\uFEFFone\r\ntwo\r\n\ré");
    try (SampleReader reader = SampleReader.open(file, Format.TEXT)) {
      assertEquals("one\ntwo\n\ré", text((Sample.Book) reader.next().orElseThrow()));
      assertTrue(reader.next().isEmpty());
    }
  }

  @Test
  void aMissingKeyIsNamedWithFileAndLine() {
    String good = "{\"instruction\": \"i\", \"output\": \"o\"}";
    Path lines = write("a.jsonl", good + "\n\n{\"instruction\": \"i\", \"answer\": \"o\"}\n");
    assertEquals(
        lines
            + ", line 3 (record 2): key \"output\" is missing; the record has instruction, answer",
        problem(lines, Format.ALPACA));
    Path array = write("a.json", "[\n  " + good + ",\n  {\n    \"output\": \"o\"\n  }\n]");
    assertEquals(
        array + ", line 3 (record 2): key \"instruction\" is missing; the record has output",
        problem(array, Format.ALPACA));
    Path empty = write("b.json", "[{}]");
    assertEquals(
        empty + ", line 1 (record 1): key \"prompt\" is missing; the record has none",
        problem(empty, Format.PROMPT_COMPLETION));
  }

  @Test
  void aValueOfAnotherKindIsNamed() {
    for (var kind :
        List.of(
            List.of("5", "a number"),
            List.of("1.5", "a number"),
            List.of("null", "null"),
            List.of("true", "true or false"),
            List.of("[\"a\"]", "a list"),
            List.of("{\"a\": [1]}", "an object"))) {
      Path file = write("a.jsonl", "{\"prompt\": \"p\", \"completion\": " + kind.getFirst() + "}");
      assertEquals(
          file + ", line 1 (record 1): key \"completion\" must be a text, found " + kind.getLast(),
          problem(file, Format.PROMPT_COMPLETION));
    }
    Path input = write("b.json", "[{\"instruction\": \"i\", \"input\": 3, \"output\": \"o\"}]");
    assertTrue(problem(input, Format.ALPACA).contains("key \"input\" must be a text"));
  }

  @Test
  void recordsThatAreNoObjectsAreRefused() {
    Path file = write("a.json", "[\n{\"text\": \"a\"},\n\"b\"]");
    assertEquals(
        file + ", line 3 (record 2): expected an object {…}, found a text",
        problem(file, Format.TEXT));
    Path nested = write("b.json", "[[{\"text\": \"a\"}]]");
    assertTrue(problem(nested, Format.TEXT).contains("expected an object {…}, found a list"));
  }

  @Test
  void damagedJsonIsNamedWithLineAndColumn() {
    Path open = write("a.jsonl", "{\"text\": \"a\"}\n{\"text\": \"b\"\n{\"text\": \"c\"}\n");
    String found = problem(open, Format.TEXT);
    assertTrue(
        found.startsWith(open + ", line 3, column 1 (record 2, which begins on line 2): not valid"),
        found);
    Path cut = write("b.json", "[{\"text\": \"a\"},\n");
    assertTrue(problem(cut, Format.TEXT).contains("not valid JSON: Unexpected end-of-input"));
    Path behind = write("c.json", "[{\"text\": \"a\"}]\n{\"text\": \"b\"}");
    assertEquals(
        behind + ", line 2: text after the end of the array", problem(behind, Format.TEXT));
    Path twice = write("d.json", "[{\"text\": \"a\", \"text\": \"b\"}]");
    assertTrue(problem(twice, Format.TEXT).contains("not valid JSON: Duplicate"));
    Path latin =
        writeBytes("e.json", "[{\"text\": \"\u00e9\"}]".getBytes(StandardCharsets.ISO_8859_1));
    assertTrue(problem(latin, Format.TEXT).contains("UTF-8"), problem(latin, Format.TEXT));
  }

  @Test
  void plainTextThatIsNotUtf8IsNamedWithTheLine() {
    Path file = writeBytes("a.txt", new byte[] {'a', '\n', 'b', (byte) 0xe9, 'c'});
    assertEquals(
        "data file " + file + ", line 2 (byte 3): not UTF-8 text; save it as UTF-8",
        problem(file, Format.TEXT));
  }

  @Test
  void filesThatCannotBeOpenedAreNamed() {
    Path missing = folder.resolve("no.json");
    assertTrue(
        problem(missing, Format.TEXT).startsWith("data file " + missing + " does not exist"));
    assertEquals(
        "data file "
            + folder
            + " is a folder; name a file in it, or put texts there that end in .txt or .md",
        problem(folder, Format.TEXT));
    assertTrue(problem(folder, Format.ALPACA).contains(" is a folder; name a file in it, because"));
  }

  @Test
  void theSourceIsHashedWholeEvenWhenReadInPart() throws Exception {
    String content = "{\"text\": \"é\"}\n".repeat(5000);
    Path file = write("a.jsonl", content);
    byte[] bytes = content.getBytes(StandardCharsets.UTF_8);
    Source expected =
        new Source(
            file.toString(),
            bytes.length,
            HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes)));
    try (SampleReader reader = SampleReader.open(file, Format.TEXT)) {
      assertTrue(reader.next().isPresent());
      assertEquals(expected, reader.source());
    }
  }

  private static List<String> texts(Path file, Format format, PromptStyle style) {
    List<String> texts = new ArrayList<>();
    for (Sample sample : SampleReader.readAll(file, format)) {
      Sample.Dialogue dialogue = (Sample.Dialogue) sample;
      Rendered.Pieces pieces = (Rendered.Pieces) style.render(dialogue, Loss.RESPONSE);
      texts.add(
          dialogue.id()
              + ": "
              + pieces.pieces().stream()
                  .map(Rendered.Piece::text)
                  .collect(Collectors.joining("|")));
    }
    return texts;
  }

  private static String text(Sample.Book book) throws IOException {
    StringWriter text = new StringWriter();
    book.file().text().transferTo(text);
    return text.toString();
  }

  private static String problem(Path file, Format format) {
    DataException e = assertThrows(DataException.class, () -> readAll(file, format));
    assertEquals(2, e.exitCode());
    return String.valueOf(e.getMessage());
  }

  private static void readAll(Path file, Format format) throws IOException {
    for (Sample sample : SampleReader.readAll(file, format)) {
      if (sample instanceof Sample.Book) {
        try (SampleReader reader = SampleReader.open(file, format);
            DataFile opened = ((Sample.Book) reader.next().orElseThrow()).file()) {
          try {
            opened.text().transferTo(Writer.nullWriter());
          } catch (IOException e) {
            throw opened.failure(e);
          }
        }
      }
    }
  }

  private Path write(String name, String content) {
    return writeBytes(name, content.getBytes(StandardCharsets.UTF_8));
  }

  private Path writeBytes(String name, byte[] content) {
    try {
      return Files.write(folder.resolve(name), content);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }
}
