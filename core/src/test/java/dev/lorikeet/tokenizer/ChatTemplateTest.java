package dev.lorikeet.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.DataException;
import dev.lorikeet.error.FormatException;
import dev.lorikeet.error.TemplateException;
import dev.lorikeet.jinja.Rendering.Span;
import dev.lorikeet.tokenizer.ChatTemplate.Ending;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChatTemplateTest {
  private static final Clock CLOCK =
      Clock.fixed(Instant.parse("2024-07-06T14:05:09Z"), ZoneOffset.UTC);
  private static final String CHATML =
      "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}{{ eos_token }}\n{% endfor %}"
          + "{% if add_generation_prompt %}<|assistant|>\n{% endif %}";
  private static final Conversation CHAT =
      Conversation.of(
          List.of(
              ChatMessage.of("user", "Hi 😀"),
              ChatMessage.of("assistant", "Ho"),
              ChatMessage.of("user", "And?"),
              ChatMessage.of("assistant", " That. ")));

  @TempDir Path folder;

  private void write(String name, String text) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }

  private ChatTemplate found() {
    return ChatTemplate.find(folder, CLOCK).orElseThrow();
  }

  private static ChatTemplate template(String source) {
    return ChatTemplate.of("t", source, Map.of("eos_token", "</s>"), CLOCK);
  }

  @Test
  void aFolderWithoutATemplateHasNone() throws IOException {
    assertEquals(Optional.empty(), ChatTemplate.find(folder, CLOCK));
    write("tokenizer_config.json", "{\"eos_token\": \"</s>\", \"chat_template\": null}");
    assertEquals(Optional.empty(), ChatTemplate.find(folder, CLOCK));
  }

  @Test
  void theConfigsTemplateAndItsTokensAreRead() throws IOException {
    write(
        "tokenizer_config.json",
        """
        {"chat_template": "{{ bos_token }}{{ eos_token }}{{ pad_token is defined }}{{ image_token }}{{ messages[0].content }}{{ tools is none }}",
         "bos_token": {"__type": "AddedToken", "content": "<s>"}, "eos_token": "</s>",
         "pad_token": null, "add_bos_token": true, "extra_special_tokens": {"image_token": "<i>"}}
        """);
    assertEquals("<s></s>False<i>Hi 😀True", found().render(CHAT, Ending.MESSAGES));
    assertEquals(
        Map.of("bos_token", "<s>", "eos_token", "</s>", "image_token", "<i>"),
        found().specialTokens());
  }

  @Test
  void tokensOfTheOldFileComeFirstUnlessTheConfigListsItsAddedTokens() throws IOException {
    write("special_tokens_map.json", "{\"eos_token\": {\"content\": \"<old>\"}}");
    write("tokenizer_config.json", "{\"chat_template\": \"x\", \"eos_token\": \"<new>\"}");
    assertEquals(Map.of("eos_token", "<old>"), found().specialTokens());
    write(
        "tokenizer_config.json",
        "{\"chat_template\": \"x\", \"eos_token\": \"<new>\", \"added_tokens_decoder\": {}}");
    assertEquals(Map.of("eos_token", "<new>"), found().specialTokens());
  }

  @Test
  void filesComeBeforeTheConfigAndToolsChooseTheirTemplate() throws IOException {
    write("tokenizer_config.json", "{\"chat_template\": \"config\"}");
    write("chat_template.jinja", "main\n");
    write("additional_chat_templates/tool_use.jinja", "for {{ tools | length }} tools");
    assertEquals("main", found().render(CHAT, Ending.MESSAGES));
    assertEquals(
        "for 1 tools", found().render(CHAT.withTools(List.of(Map.of("a", 1))), Ending.MESSAGES));
    assertEquals(List.of("default", "tool_use"), found().names());
  }

  @Test
  void aCopyBesideAnAdapterCountsWithTheTokensOfTheBase() throws IOException {
    Path adapter = folder.resolve("adapter");
    write(
        "tokenizer_config.json",
        """
        {"eos_token": "</s>", "chat_template": [{"name": "tool_use", "template": "t{{ eos_token }}"},
         {"name": "default", "template": "d{{ eos_token }}"}]}
        """);
    ChatTemplate.copy(folder, adapter);
    write("chat_template.jinja", "changed later");
    ChatTemplate trained = ChatTemplate.find(folder, adapter, CLOCK).orElseThrow();
    assertEquals("d</s>", trained.render(CHAT, Ending.MESSAGES));
    assertEquals("t</s>", trained.render(CHAT.withTools(List.of(Map.of())), Ending.MESSAGES));
    assertEquals("changed later", found().render(CHAT, Ending.MESSAGES));
  }

  @Test
  void anAdapterWithoutATemplateHasThatOfTheBase() throws IOException {
    Path adapter = folder.resolve("adapter");
    ChatTemplate.copy(folder, adapter);
    assertEquals(Optional.empty(), ChatTemplate.find(folder, adapter, CLOCK));
    write("chat_template.jinja", "base");
    ChatTemplate base = ChatTemplate.find(folder, adapter, CLOCK).orElseThrow();
    assertEquals("base", base.render(CHAT, Ending.MESSAGES));
  }

  @Test
  void namedTemplatesOfTheConfigAreRead() throws IOException {
    write(
        "tokenizer_config.json",
        """
        {"chat_template": [{"name": "rag", "template": "r"}, {"name": "default", "template": "d"}]}
        """);
    assertEquals("d", found().render(CHAT, Ending.MESSAGES));
    write(
        "tokenizer_config.json", "{\"chat_template\": [{\"name\": \"rag\", \"template\": \"r\"}]}");
    FormatException none =
        assertThrows(FormatException.class, () -> found().render(CHAT, Ending.MESSAGES));
    assertTrue(
        none.getMessage().contains("has the chat templates rag but none"), none.getMessage());
  }

  @Test
  void damagedFilesAreRefused() throws IOException {
    write("tokenizer_config.json", "{\"chat_template\": 5}");
    assertTrue(
        assertThrows(FormatException.class, this::found)
            .getMessage()
            .endsWith("chat_template: expected a text or a list of templates, found NUMBER"));
    write("tokenizer_config.json", "{\"chat_template\": [{\"name\": \"a\"}]}");
    assertThrows(FormatException.class, this::found);
    write("tokenizer_config.json", "{");
    assertThrows(FormatException.class, this::found);
    write("tokenizer_config.json", "{\"chat_template\": \"a\\n{% if %}\"}");
    assertTrue(
        assertThrows(TemplateException.class, this::found)
            .getMessage()
            .contains("tokenizer_config.json, chat_template, line 2: "));
  }

  @Test
  void endingsAreThoseOfTransformers() {
    ChatTemplate template = template(CHATML);
    Conversation one = CHAT.first(2);
    String text = "<|user|>\nHi 😀</s>\n<|assistant|>\nHo</s>\n";
    assertEquals(text, template.render(one, Ending.MESSAGES));
    assertEquals(text + "<|assistant|>\n", template.render(one, Ending.GENERATION_PROMPT));
    assertEquals(
        "<|user|>\nHi 😀</s>\n<|assistant|>\nHo", template.render(one, Ending.UNFINISHED_MESSAGE));
    // Where the template keeps the white space at the end, so does the text that goes on.
    assertTrue(template.render(CHAT, Ending.UNFINISHED_MESSAGE).endsWith("<|assistant|>\n That. "));
    assertTrue(
        template(CHATML.replace("m.content", "m.content | trim"))
            .render(CHAT, Ending.UNFINISHED_MESSAGE)
            .endsWith("<|assistant|>\nThat."));
    assertThrows(
        DataException.class,
        () -> template("{{ messages[0].content }}").render(CHAT, Ending.UNFINISHED_MESSAGE));
  }

  @Test
  void theMaskIsWhatTheTemplateMarks() {
    String marked =
        CHATML.replace(
            "{{ m.content }}{{ eos_token }}",
            "{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{{ eos_token }}"
                + "{% endgeneration %}{% else %}{{ m.content }}{{ eos_token }}{% endif %}");
    MaskedChat chat = template(marked).renderWithMask(CHAT);
    assertEquals(MaskedChat.Origin.GENERATION_BLOCKS, chat.origin());
    assertEquals(List.of("Ho</s>", " That. </s>"), parts(chat));
  }

  @Test
  void withoutMarksTheMaskIsFoundByRenderingBeginnings() {
    MaskedChat chat = template(CHATML).renderWithMask(CHAT);
    assertEquals(MaskedChat.Origin.PREFIXES, chat.origin());
    assertEquals(List.of("Ho</s>\n", " That. </s>\n"), parts(chat));
    assertEquals(template(CHATML).render(CHAT, Ending.MESSAGES), chat.text());
  }

  private static List<String> parts(MaskedChat chat) {
    return chat.assistant().stream()
        .map((Span span) -> chat.text().substring(span.start(), span.end()))
        .toList();
  }

  @Test
  void templatesThatChangeEarlierTextAreToldSo() {
    String forgetful =
        "{% for m in messages %}<|{{ m.role }}|>"
            + "{{ m.content if loop.last or m.role == 'user' else '...' }}{% endfor %}"
            + "{% if add_generation_prompt %}<|assistant|>{% endif %}";
    TemplateException refused =
        assertThrows(TemplateException.class, () -> template(forgetful).renderWithMask(CHAT));
    assertEquals(
        "t, line 1: which parts are the assistant's cannot be told, because it writes the first 2"
            + " messages otherwise when others follow: \"|>Hi 😀<|assistant|>Ho\" becomes"
            + " \"|>Hi 😀<|assistant|>...<|user|>And?<|ass\". Mark them in the template with"
            + " {% generation %} and {% endgeneration %}.",
        refused.getMessage());
    String thinking = CHATML.replace("<|assistant|>\\n{% endif", "<|assistant|>\\n<think>{% endif");
    assertThrows(
        TemplateException.class,
        () ->
            template(CHATML.replace("<|assistant|>\n{% endif", "<|assistant|>\n<think>{% endif"))
                .renderWithMask(CHAT),
        thinking);
  }

  @Test
  void conversationsAreReadFromJson() {
    Conversation read =
        parse(
            """
            {"messages": [{"role": "user", "x": 1, "content": [{"type": "text", "text": "a"}]},
              {"content": null, "role": "assistant", "tool_calls": [{"b": 1.5, "a": 12345678901234567890}]}],
             "tools": [{"n": true}], "chat_template_kwargs": {"enable_thinking": false}}
            """);
    assertEquals(
        "[{'role': 'user', 'x': 1, 'content': [{'type': 'text', 'text': 'a'}]}, {'content': None,"
            + " 'role': 'assistant', 'tool_calls': [{'b': 1.5, 'a': 12345678901234567890}]}]"
            + "[{'n': True}]False",
        template("{{ messages }}{{ tools }}{{ enable_thinking }}").render(read, Ending.MESSAGES));
    assertEquals(1, read.messages().get(1).toolCalls().size());
    assertEquals(1, read.messages().get(0).parts().size());
    assertEquals(
        Optional.of("Hi"),
        parse("[{\"role\":\"u\",\"content\":\"Hi\"}]").messages().getFirst().text());
  }

  private static Conversation parse(String json) {
    return Conversation.parse("c.json", json.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void whatIsNoConversationIsRefused() {
    refused("[]", "c.json: the list of messages is empty; give at least one");
    refused(
        "5", "c.json: expected a list of messages or an object with \"messages\", found a number");
    refused("{\"messages\": 5}", "c.json: \"messages\" must be a list of messages, found a number");
    refused("{}", "c.json: \"messages\" must be a list of messages, found nothing");
    refused(
        "{\"messages\": [], \"tolls\": []}",
        "c.json: the key \"tolls\" is unknown; the object may have messages, tools, documents,"
            + " chat_template_kwargs");
    refused(
        "[{\"role\": \"user\", \"content\": \"a\"}, 7]",
        "c.json: message 2 must be an object with \"role\" and \"content\", found a number");
    refused(
        "[{\"rol\": \"user\"}]", "c.json, message 1: \"role\" is missing; the message has [rol]");
    refused(
        "[{\"role\": \"user\", \"content\": 5}]",
        "c.json, message 1: \"content\" must be a text or a list of parts, found a number");
    refused(
        "[{\"role\": \"user\", \"tool_calls\": {}}]",
        "c.json, message 1: \"tool_calls\" must be a list, found an object");
    DataException broken = assertThrows(DataException.class, () -> parse("[\n{\"role\" 1}]"));
    assertTrue(broken.getMessage().startsWith("c.json, line 2, column "), broken.getMessage());
  }

  private static void refused(String json, String message) {
    assertEquals(message, assertThrows(DataException.class, () -> parse(json)).getMessage());
  }
}
