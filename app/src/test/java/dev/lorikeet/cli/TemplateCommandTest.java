package dev.lorikeet.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TemplateCommandTest {
  private static final String TEMPLATE =
      "{% for m in messages %}<{{ m.role }}>{{ m.content }}{{ eos_token }}{% endfor %}"
          + "{% if tools %}{{ tools | tojson }}{% endif %}"
          + "{% if add_generation_prompt %}<assistant>{% endif %}";

  @TempDir Path temp;
  private final Terminal terminal = new Terminal();
  private Path model = Path.of("");
  private Path chat = Path.of("");

  @BeforeEach
  void files() throws IOException {
    model = Files.createDirectory(temp.resolve("model"));
    TinyModel.write(model.resolve("chat_template.jinja"), TEMPLATE);
    TinyModel.write(model.resolve("tokenizer_config.json"), "{\"eos_token\": \"</s>\"}");
    chat =
        TinyModel.write(
            temp.resolve("chat.json"),
            "[{\"role\": \"user\", \"content\": \"Hi 😀\"},"
                + " {\"role\": \"assistant\", \"content\": \"{{ Ho }}\\n\"}]");
  }

  private int render(String... more) {
    String[] args = new String[more.length + 6];
    args[0] = "template";
    args[1] = "render";
    args[2] = "--model";
    args[3] = model.toString();
    args[4] = "--messages";
    args[5] = chat.toString();
    System.arraycopy(more, 0, args, 6, more.length);
    return terminal.run(args);
  }

  @Test
  void theTextIsPrinted() {
    assertEquals(0, render(), terminal.err());
    assertEquals("<user>Hi 😀</s><assistant>{{ Ho }}\n</s>\n", terminal.out());
    assertEquals(0, render("--generation-prompt", "--json"), terminal.err());
    assertEquals(
        "<user>Hi 😀</s><assistant>{{ Ho }}\n</s><assistant>",
        terminal.json().path("text").stringValue());
  }

  @Test
  void theTemplateOfAnAdapterCounts() throws IOException {
    Path adapter = Files.createDirectory(temp.resolve("adapter"));
    TinyModel.write(adapter.resolve("chat_template.jinja"), "trained{{ eos_token }}");
    assertEquals(0, render("--adapter", adapter.toString()), terminal.err());
    assertEquals("trained</s>\n", terminal.out());
    assertEquals(2, render("--adapter", "nowhere"));
    assertTrue(terminal.err().contains("--adapter nowhere does not exist"), terminal.err());
  }

  @Test
  void toolsComeFromTheirFileOrTheConversations() {
    Path tools = TinyModel.write(temp.resolve("tools.json"), "[{\"name\": \"f\"}]");
    assertEquals(0, render("--tools", tools.toString()), terminal.err());
    assertTrue(terminal.out().endsWith("[{\"name\": \"f\"}]\n"), terminal.out());
    TinyModel.write(
        chat, "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}], \"tools\": [5]}");
    assertEquals(0, render(), terminal.err());
    assertEquals("<user>a</s>[5]\n", terminal.out());
  }

  @Test
  void theMaskIsShownInCharacters() {
    assertEquals(0, render("--mask"), terminal.err());
    assertEquals(
        """
        <user>Hi 😀</s><assistant>{{ Ho }}
        </s>

        The assistant's parts, found by rendering the conversation's beginnings:
        from  to  text
          25  38  "{{ Ho }}\\n</s>"
        """,
        terminal.out());
    assertEquals(0, render("--mask", "--json"), terminal.err());
    assertEquals("prefixes", terminal.json().path("found_by").stringValue());
    assertEquals(25, terminal.json().path("assistant").path(0).path("start").intValue());
    assertEquals(
        "{{ Ho }}\n</s>", terminal.json().path("assistant").path(0).path("text").stringValue());
  }

  @Test
  void conversationsComeFromStandardInputToo() {
    terminal.input("[{\"role\": \"user\", \"content\": \"é\"}]");
    assertEquals(
        0, terminal.run("template", "render", "--model", model.toString(), "--messages", "-"));
    assertEquals("<user>é</s>\n", terminal.out());
  }

  @Test
  void mistakesAreToldInWords() {
    assertEquals(2, render("--mask", "--generation-prompt"));
    assertTrue(terminal.err().startsWith("error: --mask is for"), terminal.err());

    TinyModel.write(model.resolve("chat_template.jinja"), "a\n{{ raise_exception('No tools!') }}");
    assertEquals(2, render());
    assertEquals(
        "error: " + model.resolve("chat_template.jinja") + ", line 2: No tools!\n", terminal.err());

    TinyModel.write(chat, "[{\"role\": \"user\"");
    assertEquals(2, render());
    assertTrue(terminal.err().startsWith("error: " + chat + ", line 1, column "), terminal.err());

    chat = temp.resolve("none.json");
    assertEquals(2, render());
    assertTrue(terminal.err().contains("none.json does not exist (looked in "), terminal.err());
  }

  @Test
  void modelsWithoutATemplateAreRefused() throws IOException {
    Files.delete(model.resolve("chat_template.jinja"));
    assertEquals(2, render());
    assertTrue(
        terminal.err().contains("has no chat template: neither chat_template.jinja nor"),
        terminal.err());
    model = temp.resolve("nowhere");
    assertEquals(2, render());
    assertTrue(terminal.err().contains("nowhere does not exist (looked in "), terminal.err());
  }
}
