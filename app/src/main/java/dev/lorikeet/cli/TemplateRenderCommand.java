package dev.lorikeet.cli;

import dev.lorikeet.cli.Table.Column;
import dev.lorikeet.error.ConfigException;
import dev.lorikeet.jinja.Rendering.Span;
import dev.lorikeet.job.LoadedModel;
import dev.lorikeet.tokenizer.ChatTemplate;
import dev.lorikeet.tokenizer.ChatTemplate.Ending;
import dev.lorikeet.tokenizer.Conversation;
import dev.lorikeet.tokenizer.MaskedChat;
import dev.lorikeet.tokenizer.MaskedChat.Origin;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.json.JsonMapper;

/** {@code lorikeet template render}. */
@Command(
    name = "render",
    description = "Prints the text that a model's chat template makes of a conversation.",
    footer = {
      "",
      "The file is a JSON list of messages, each with \"role\" and \"content\", or an object with"
          + " \"messages\" and, if wanted, \"tools\", \"documents\" and \"chat_template_kwargs\"."
    })
final class TemplateRenderCommand implements Callable<Integer> {
  private static final String FROM_INPUT = "-";

  private final Console console;
  @Mixin private JsonOption json = new JsonOption();

  @Option(
      names = "--model",
      required = true,
      paramLabel = "DIR",
      description = "Folder of a Hugging Face checkpoint or tokenizer.")
  private String model = "";

  @Option(
      names = "--adapter",
      paramLabel = "DIR",
      description = "Adapter whose template counts, if one was saved with it.")
  private @Nullable Path adapter;

  @Option(
      names = "--messages",
      required = true,
      paramLabel = "FILE",
      description = "The conversation; - reads it from standard input.")
  private String messages = "";

  @Option(
      names = "--tools",
      paramLabel = "FILE",
      description = "A JSON list of tools that the model may call.")
  private @Nullable Path tools;

  @Option(
      names = "--generation-prompt",
      description = "End with what begins an answer of the assistant.")
  private boolean generationPrompt;

  @Option(
      names = "--mask",
      description = "Also show which parts of the text the model is to learn to say.")
  private boolean mask;

  TemplateRenderCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    if (mask && generationPrompt) {
      throw new ConfigException(
          "--mask is for conversations that are answered, --generation-prompt for those that are"
              + " not; give one of them");
    }
    ChatTemplate template = template();
    Conversation conversation = conversation();
    if (mask) {
      print(template.renderWithMask(conversation));
      return 0;
    }
    Ending ending = generationPrompt ? Ending.GENERATION_PROMPT : Ending.MESSAGES;
    String text = template.render(conversation, ending);
    if (json.wanted()) {
      console.json(Map.of("text", text));
    } else {
      console.result(text);
    }
    return 0;
  }

  private ChatTemplate template() {
    Path model = LoadedModel.directoryOf(ModelArgument.folder(this.model, console));
    requireFolder("--model", model);
    if (adapter != null) {
      requireFolder("--adapter", adapter);
    }
    Optional<ChatTemplate> found =
        adapter == null
            ? ChatTemplate.find(model, console.clock())
            : ChatTemplate.find(model, adapter, console.clock());
    return found.orElseThrow(() ->
        new ConfigException(
            "--model "
                + model
                + " has no chat template: neither chat_template.jinja nor chat_template in"
                + " tokenizer_config.json; base models have none, take the chat or instruct"
                + " version or put a chat_template.jinja there"));
  }

  private static void requireFolder(String option, Path folder) {
    if (!Files.isDirectory(folder)) {
      throw new ConfigException(
          "%s %s %s (looked in %s)"
              .formatted(
                  option,
                  folder,
                  Files.exists(folder) ? "is a file; name its folder" : "does not exist",
                  Path.of("").toAbsolutePath()));
    }
  }

  private Conversation conversation() {
    Conversation read =
        messages.equals(FROM_INPUT)
            ? Conversation.parse("standard input", console.input().getBytes(StandardCharsets.UTF_8))
            : Conversation.read(Path.of(messages));
    return tools == null ? read : read.withTools(Conversation.readTools(tools));
  }

  private void print(MaskedChat chat) {
    if (json.wanted()) {
      console.json(document(chat));
      return;
    }
    console.result(chat.text());
    console.result("");
    console.result(
        chat.origin() == Origin.GENERATION_BLOCKS
            ? "The assistant's parts, as the template marks them:"
            : "The assistant's parts, found by rendering the conversation's beginnings:");
    Table table = new Table(Column.right("from"), Column.right("to"), Column.left("text"));
    for (Span span : chat.assistant()) {
      table.row(
          Integer.toString(characters(chat.text(), span.start())),
          Integer.toString(characters(chat.text(), span.end())),
          JsonMapper.shared().writeValueAsString(chat.text().substring(span.start(), span.end())));
    }
    console.result(table.toString());
  }

  /** A place as people and Python count it: an emoji is one character. */
  private static int characters(String text, int index) {
    return text.codePointCount(0, index);
  }

  private static Map<String, Object> document(MaskedChat chat) {
    List<Map<String, Object>> parts =
        chat.assistant().stream()
            .map(span -> {
              Map<String, Object> part = new LinkedHashMap<>();
              part.put("start", characters(chat.text(), span.start()));
              part.put("end", characters(chat.text(), span.end()));
              part.put("text", chat.text().substring(span.start(), span.end()));
              return part;
            })
            .toList();
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("text", chat.text());
    json.put("assistant", parts);
    json.put(
        "found_by", chat.origin() == Origin.GENERATION_BLOCKS ? "generation blocks" : "prefixes");
    return json;
  }
}
