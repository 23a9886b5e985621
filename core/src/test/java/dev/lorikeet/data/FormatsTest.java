package dev.lorikeet.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.source.ParquetFiles;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each format is told from its records and becomes the same dialogue. */
class FormatsTest {
  private static final String PLAIN = "<|begin|>Hi⟦Hello<|end|>⟧";
  private static final String CHATML =
      "<|begin|><|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n⟦Hello<|im_end|>⟧\n";

  @TempDir private Path temporary;
  private DataFolder data = new DataFolder(Path.of("."));

  @BeforeEach
  void open() {
    data = new DataFolder(temporary);
  }

  @Test
  void alpaca() {
    assertFound(
        "{\"instruction\": \"Hi\", \"input\": \"\", \"output\": \"Hello\"}",
        "<|begin|>" + AlpacaPrompt.of("Hi", "") + "⟦Hello<|end|>⟧",
        "format alpaca, because the first record has instruction, output");
    assertFound(
        "{\"instruction\": \"Hi\", \"context\": \"all\", \"response\": \"Hello\", \"category\": \"x\"}",
        "<|begin|>" + AlpacaPrompt.of("Hi", "all") + "⟦Hello<|end|>⟧",
        "format alpaca, because the first record has instruction, response; columns {");
  }

  @Test
  void alpacaReadsHistoryOnlyWhenToldAndSaysSo() {
    String record =
        "{\"instruction\": \"B\", \"output\": \"b\", \"history\": [[\"A\", \"a\"]], \"system\": \"S\"}";
    DataFolder.Loaded loaded = data.load(data.write("a.json", "[" + record + "]"));
    assertEquals(List.of("<|begin|>" + AlpacaPrompt.of("B", "") + "⟦b<|end|>⟧"), loaded.texts());
    assertTrue(
        loaded
            .notices()
            .get(1)
            .endsWith("the key system is not read; data.columns: {system: system} reads it"),
        loaded.notices().toString());
    assertTrue(loaded.notices().get(2).contains("the key history is not read"));
    assertEquals(
        "<|begin|>S\n\n"
            + AlpacaPrompt.of("A", "")
            + "⟦a<|end|>⟧\n\n### Instruction:\nB\n\n### Response:\n⟦b<|end|>⟧",
        data.only(record, "data.columns={history: history, system: system}"));
  }

  @Test
  void completion() {
    assertFound(
        "{\"prompt\": \"Hi\", \"completion\": \"Hello\"}", PLAIN, "format completion, because the");
    assertFound(
        "{\"prompt\": \"Hi\", \"response\": \"Hello\"}", PLAIN, "format completion, because the");
    assertFound(
        "{\"question\": \"Hi\", \"answer\": \"Hello\"}",
        PLAIN,
        "the first record has question, answer; columns {prompt=question, completion=answer}");
    assertEquals(
        PLAIN,
        data.only("{\"prompt\": \"Hi\", \"completion\": \"Hello\"}", "data.format=completion"));
  }

  @Test
  void columnsSayWhatKeysMean() {
    assertEquals(
        PLAIN,
        data.only(
            "{\"q\": \"Hi\", \"a\": \"Hello\", \"prompt\": 3}",
            "data.columns={prompt: q, response: a}"));
    assertEquals(
        "<|begin|>⟦Hi<|end|>⟧", data.only("{\"body\": \"Hi\"}", "data.columns={text: body}"));
  }

  @Test
  void chat() {
    String messages =
        "[{\"role\": \"user\", \"content\": \"Hi\"}, {\"role\": \"assistant\", \"content\": \"Hello\"}]";
    assertFound(
        "{\"messages\": " + messages + "}", CHATML, "format chat, because the first record");
    assertFound(
        "{\"conversations\": " + messages + "}", CHATML, "columns {messages=conversations}");
    assertFound(
        "{\"messages\": \"" + messages.replace("\"", "\\\"") + "\"}", CHATML, "format chat");
    assertEquals(
        CHATML,
        data.only(
            "{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"text\", \"text\": \"Hi\"}]},"
                + " {\"role\": \"assistant\", \"content\": \"Hello\", \"name\": null}]}"));
  }

  @Test
  void answersOfWeightZeroAreNotLearned() {
    assertEquals(
        """
        <|begin|><|im_start|>user
        A<|im_end|>
        <|im_start|>assistant
        a<|im_end|>
        <|im_start|>user
        B<|im_end|>
        <|im_start|>assistant
        ⟦b<|im_end|>⟧
        """,
        data.only(
            "{\"messages\": [{\"role\": \"user\", \"content\": \"A\"},"
                + " {\"role\": \"assistant\", \"content\": \"a\", \"weight\": 0},"
                + " {\"role\": \"user\", \"content\": \"B\"},"
                + " {\"role\": \"assistant\", \"content\": \"b\", \"weight\": 1}]}"));
  }

  @Test
  void shareGpt() {
    assertFound(
        "{\"conversations\": [{\"from\": \"human\", \"value\": \"Hi\"},"
            + " {\"from\": \"gpt\", \"value\": \"Hello\"}]}",
        CHATML,
        "format sharegpt, because the first record has conversations of from, value");
  }

  @Test
  void toolsAreCalledAndLearnedInBothChatFormats() {
    String expected =
        """
        <|begin|><|im_start|>system
        Be brief.

        You may call these functions:
        <tools>
        {"type": "function", "function": {"name": "add"}}
        </tools>
        Call one with a JSON object inside <tool_call></tool_call>:
        <tool_call>
        {"name": <name>, "arguments": <arguments>}
        </tool_call><|im_end|>
        <|im_start|>user
        1+2?<|im_end|>
        <|im_start|>assistant
        ⟦<tool_call>
        {"name": "add", "arguments": {"a": 1}}
        </tool_call><|im_end|>⟧
        <|im_start|>tool
        3<|im_end|>
        <|im_start|>assistant
        ⟦It is 3.<|im_end|>⟧
        """;
    assertEquals(
        expected,
        data.only(
            "{\"system\": \"Be brief.\", \"tools\": \"[{\\\"name\\\": \\\"add\\\"}]\", \"conversations\": ["
                + "{\"from\": \"human\", \"value\": \"1+2?\"},"
                + "{\"from\": \"function_call\", \"value\": \"{\\\"name\\\": \\\"add\\\", \\\"arguments\\\": {\\\"a\\\": 1}}\"},"
                + "{\"from\": \"observation\", \"value\": \"3\"},"
                + "{\"from\": \"gpt\", \"value\": \"It is 3.\"}]}"));
    for (String arguments : List.of("{\"a\": 1}", "\"{\\\"a\\\": 1}\"")) {
      assertEquals(
          expected,
          data.only(
              "{\"tools\": [{\"type\": \"function\", \"function\": {\"name\": \"add\"}}], \"messages\": ["
                  + "{\"role\": \"system\", \"content\": \"Be brief.\"},"
                  + "{\"role\": \"user\", \"content\": \"1+2?\"},"
                  + "{\"role\": \"assistant\", \"content\": null, \"tool_calls\": [{\"id\": \"c1\", \"type\":"
                  + " \"function\", \"function\": {\"name\": \"add\", \"arguments\": "
                  + arguments
                  + "}}]},"
                  + "{\"role\": \"tool\", \"tool_call_id\": \"c1\", \"content\": \"3\"},"
                  + "{\"role\": \"assistant\", \"content\": \"It is 3.\"}]}"));
    }
  }

  @Test
  void turns() {
    assertFound(
        "{\"conversations\": [\"Hi\", \"Hello\"], \"source\": \"x\"}",
        CHATML,
        "format turns, because the first record has conversations of texts");
  }

  @Test
  void text() {
    assertFound("{\"text\": \"Hi\"}", "<|begin|>⟦Hi<|end|>⟧", "format text, because the first");
    DataFolder.Loaded book = data.load(data.write("a.txt", "Hi"));
    assertEquals(List.of("<|begin|>⟦Hi<|end|>⟧"), book.texts());
    assertTrue(
        book.notices()
            .getFirst()
            .endsWith("(plain text): format text, one sequence cut into windows"));
  }

  @Test
  void everyFileOfAFolderIsASequenceOfItsOwn() throws Exception {
    Path folder = Files.createDirectory(temporary.resolve("texts"));
    Files.writeString(folder.resolve("b.txt"), "two two");
    Files.writeString(folder.resolve("a.txt"), "one");
    Files.writeString(folder.resolve("empty.txt"), "");
    DataFolder.Loaded loaded = data.load(folder);
    assertEquals(List.of("<|begin|>⟦one<|end|>⟧", "<|begin|>⟦two two<|end|>⟧"), loaded.texts());
    assertEquals(List.of(0L, 1L), loaded.train().stream().map(Example::id).toList());
    assertTrue(loaded.notices().getFirst().contains("it holds 3 text files"));
  }

  @Test
  void tablesAndParquetAndQueriesGiveTheSame() throws Exception {
    assertEquals(
        List.of(PLAIN), data.load(data.write("a.csv", "prompt;response\nHi;Hello\n")).texts());
    assertEquals(
        List.of(PLAIN),
        data.load(
                ParquetFiles.write(
                    temporary.resolve("a.parquet"), "SELECT 'Hi' AS question, 'Hello' AS answer"))
            .texts());
    assertEquals(
        List.of(CHATML),
        data.load(
                ParquetFiles.write(
                    temporary.resolve("b.parquet"),
                    "SELECT [{'role': 'user', 'content': 'Hi'}, {'role': 'assistant', 'content': 'Hello'}]"
                        + " AS messages"))
            .texts());
    assertEquals(
        List.of(PLAIN),
        data.load(
                data.write("c.csv", "q,a,n\nHi,Hello,1\nNo,no,0\n"),
                "data.query=SELECT q AS prompt, a AS completion FROM data WHERE n = 1")
            .texts());
  }

  @Test
  void formatsAreToldFromTheFirstRecordsAlone() {
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < 100; i++) {
      lines.append("{\"prompt\": \"Hi\", \"completion\": \"Hello\"}\n");
    }
    DataFolder.Loaded loaded = data.load(data.write("a.jsonl", lines.toString()));
    assertEquals(100, loaded.texts().size());
    assertTrue(
        loaded
            .notices()
            .getFirst()
            .contains("because the first 64 records have prompt, completion"),
        loaded.notices().toString());
    assertTrue(loaded.notices().getLast().endsWith("prompts are written by plain"));
  }

  private void assertFound(String record, String text, String why) {
    DataFolder.Loaded loaded = data.load(data.write("a.jsonl", record));
    assertEquals(List.of(text), loaded.texts());
    assertTrue(loaded.notices().getFirst().contains(why), loaded.notices().toString());
  }
}
