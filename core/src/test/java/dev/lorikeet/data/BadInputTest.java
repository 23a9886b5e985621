package dev.lorikeet.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.source.ParquetFiles;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What people have in their files, and what they are told about it. */
class BadInputTest {
  private static final String GOOD = "{\"prompt\": \"Hi\", \"completion\": \"Hello\"}\n";
  private static final String SKIP = "data.on_bad_record=skip";

  @TempDir private Path temporary;
  private DataFolder data = new DataFolder(Path.of("."));

  @BeforeEach
  void open() {
    data = new DataFolder(temporary);
  }

  @Test
  void wrongEncodingIsNamedWithLineAndByte() {
    byte[] latin =
        (GOOD + "{\"prompt\": \"caf\u00e9\", \"completion\": \"x\"}\n" + GOOD)
            .getBytes(StandardCharsets.ISO_8859_1);
    int at = GOOD.length() + "{\"prompt\": \"caf".length();
    String expected = "data file F, line 2 (byte " + at + "): not UTF-8 text; save it as UTF-8";
    Path file = data.write("a.jsonl", latin);
    assertEquals(expected, data.problem(file));
    DataFolder.Loaded rest = data.load(file, SKIP);
    assertEquals(2, rest.texts().size());
    assertTrue(
        rest.notices().toString().contains("1 of 3 records could not be used and were left out"),
        rest.notices().toString());
    Path table =
        data.write(
            "a.csv", "prompt,completion\nx,caf\u00e9\n".getBytes(StandardCharsets.ISO_8859_1));
    assertEquals(
        "data file F, line 2 (byte 23): not UTF-8 text; save it as UTF-8", data.problem(table));
    Path text = data.write("a.txt", "x\u00e9y".getBytes(StandardCharsets.ISO_8859_1));
    assertEquals(
        "data file F, line 1 (byte 1): not UTF-8 text; save it as UTF-8", data.problem(text));
  }

  @Test
  void aBrokenLineStopsOrIsLeftOut() {
    Path file = data.write("a.jsonl", GOOD + "{\"prompt\": \"Hi\", \"completion\": oops}\n" + GOOD);
    String said = data.problem(file);
    assertTrue(
        said.startsWith("F, line 2, column 3")
            && said.contains("(record 2, which begins on line 2): not valid JSON"),
        said);
    DataFolder.Loaded rest = data.load(file, SKIP);
    assertEquals(2, rest.report().records());
    assertTrue(
        rest.notices().stream()
            .anyMatch(notice ->
                notice.contains("1 of 3 records") && notice.contains("a.jsonl, line 2, column 3")),
        rest.notices().toString());
    Path array = data.write("b.json", "[" + GOOD + ", {\"prompt\": oops}, " + GOOD + "]");
    assertTrue(
        data.problem(array, SKIP).contains("not valid JSON"), "nobody knows where it goes on");
  }

  @Test
  void missingColumnsAreNamedWithWhatThereIs() {
    Path file = data.write("a.csv", "promt,completion\nHi,Hello\n");
    assertEquals(
        "F, line 2 (record 1): key \"prompt\" is missing; the record has promt, completion; is it"
            + " \"promt\"? Then set data.columns: {prompt: promt}",
        data.problem(file, "data.format=completion"));
    assertEquals(
        "F, line 2 (record 1): the format cannot be told from its keys (promt, completion); set"
            + " data.format, or say what they mean, as in data.columns: {prompt: promt}",
        data.problem(file));
    assertEquals(
        "data file F: data.columns says that prompt is called \"promtp\", but the records have"
            + " promt, completion; did you mean promt?",
        data.problem(file, "data.columns={prompt: promtp}"));
    Path lines = data.write("a.jsonl", GOOD + "{\"prompt\": \"Hi\"}\n" + GOOD);
    assertEquals(
        "F, line 2 (record 2): key \"completion\" is missing; the record has prompt",
        data.problem(lines, "data.format=completion"));
    assertEquals(2, data.load(lines, "data.format=completion", SKIP).texts().size());
  }

  @Test
  void mixedFormatsAreNamedWithBothLines() {
    String other = "{\"instruction\": \"Hi\", \"output\": \"Hello\"}\n";
    assertEquals(
        "F, line 3 (record 3): it looks like alpaca (instruction, output), but line 1 like"
            + " completion (prompt, completion); put records of one format into a file, or set"
            + " data.format",
        data.problem(data.write("a.jsonl", GOOD + GOOD + other)));
    assertEquals(
        "F, line 71 (record 71): key \"prompt\" is missing; the record has instruction, output; it"
            + " looks like format alpaca and not completion",
        data.problem(data.write("b.jsonl", GOOD.repeat(70) + other)));
  }

  @Test
  void emptyResponsesAreCountedAndCanBeLeftOut() {
    Path file = data.write("a.jsonl", GOOD + "{\"prompt\": \"Hi\", \"completion\": \" \"}\n");
    DataFolder.Loaded kept = data.load(file);
    assertEquals(2, kept.texts().size());
    assertTrue(
        kept.notices().toString().contains("1 of 2 records have an empty response, which teaches"),
        kept.notices().toString());
    DataFolder.Loaded rest = data.load(file, SKIP);
    assertEquals(1, rest.texts().size());
    assertTrue(
        rest.notices().toString().contains("line 2 (record 2): the response is empty"),
        rest.notices().toString());
  }

  @Test
  void aRecordOfAHundredMegabytesIsRefusedWithItsLine() throws IOException {
    Path file = temporary.resolve("a.jsonl");
    byte[] megabyte = new byte[1 << 20];
    Arrays.fill(megabyte, (byte) 'x');
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file))) {
      out.write((GOOD + "{\"prompt\": \"").getBytes(StandardCharsets.UTF_8));
      for (int i = 0; i < 100; i++) {
        out.write(megabyte);
      }
      out.write(("\", \"completion\": \"x\"}\n" + GOOD).getBytes(StandardCharsets.UTF_8));
    }
    assertEquals(
        "F, line 2 (record 2): the record is larger than 32 MB, the most that is read at once; cut"
            + " it into several records, or save it as a text file",
        data.problem(file));
    DataFolder.Loaded rest = data.load(file, SKIP);
    assertEquals(2, rest.texts().size());
    assertTrue(rest.notices().toString().contains("line 2 (record 2): the record is larger"));
  }

  @Test
  void aParquetFileCutInHalfIsToldSo() throws Exception {
    Path whole =
        ParquetFiles.write(
            temporary.resolve("whole.parquet"),
            "SELECT 'Hi ' || i AS prompt, 'x' AS completion FROM range(1000) t(i)");
    byte[] bytes = Files.readAllBytes(whole);
    Path half = data.write("half.parquet", Arrays.copyOf(bytes, bytes.length / 2));
    assertEquals(
        "data file F is no whole Parquet file: its end is missing; copy or download it again",
        data.problem(half));
  }

  @Test
  void rolesThatDoNotAlternateAreNamedWithTheMessage() {
    assertRoles("message 2 is the user's after the user's; user and", "user", "user", "assistant");
    assertRoles("message 1 is the assistant's and the first;", "assistant", "user", "assistant");
    assertRoles(
        "message 3 is the assistant's after the assistant's;", "user", "assistant", "assistant");
    assertRoles("message 3 is the system's after the assistant's;", "user", "assistant", "system");
    assertRoles("message 2 is the tool's after the user's;", "user", "tool", "assistant");
    assertRoles(
        "the assistant says nothing, so there is nothing to learn; the messages are [system, user]",
        "system",
        "user");
    Path mixed =
        data.write(
            "b.jsonl",
            talk("user", "assistant") + talk("user", "user") + talk("user", "assistant"));
    assertEquals(2, data.load(mixed, SKIP).texts().size());
  }

  private void assertRoles(String expected, String... roles) {
    String said = data.problem(data.write("a.jsonl", talk("user", "assistant") + talk(roles)));
    assertTrue(said.startsWith("F, line 2 (record 2): " + expected), said);
  }

  private static String talk(String... roles) {
    StringBuilder messages = new StringBuilder();
    for (String role : roles) {
      messages
          .append(messages.isEmpty() ? "" : ", ")
          .append("{\"role\": \"")
          .append(role)
          .append("\", \"content\": \"x\"}");
    }
    return "{\"messages\": [" + messages + "]}\n";
  }

  @Test
  void rolesThatNobodyKnowsAreNamed() {
    assertEquals(
        "F, line 1 (record 1): message 1: its \"role\" is \"usr\", expected one of assistant,"
            + " developer, function, system, tool, user; is it user?",
        data.problem(data.write("a.jsonl", talk("usr", "assistant"))));
  }

  @Test
  void aTemplateThatFailsIsToldWithTheRecord() {
    Path template =
        data.write(
            "strict.jinja",
            "{% for m in messages %}{% if 'bad' in m.content %}{{ raise_exception('no such words') }}"
                + "{% endif %}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}");
    Path file =
        data.write("a.jsonl", GOOD + "{\"prompt\": \"bad\", \"completion\": \"x\"}\n" + GOOD);
    String prompt = "data.prompt='" + template + "'";
    assertEquals(
        "F, line 2 (record 2): the prompt cannot be written: "
            + template
            + ", line 1: no such words",
        data.problem(file, prompt));
    DataFolder.Loaded rest = data.load(file, prompt, SKIP);
    assertEquals(2, rest.texts().size());
    assertTrue(rest.notices().toString().contains("1 of 3 records"), rest.notices().toString());
  }

  @Test
  void aFileOfNothingButBadRecordsIsRefused() {
    assertTrue(
        data.problem(data.write("a.jsonl", "oops\nno\n"), SKIP, "data.format=completion")
            .startsWith("data file F holds no record that can be used; F: 2 of 2 records"));
  }
}
