package dev.lorikeet.tokenizer;

import dev.lorikeet.error.DataException;
import dev.lorikeet.error.FormatException;
import dev.lorikeet.error.TemplateException;
import dev.lorikeet.jinja.Rendering;
import dev.lorikeet.jinja.Rendering.Span;
import dev.lorikeet.jinja.Template;
import dev.lorikeet.jinja.Template.Marks;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Turns conversations into the text that a model was trained on, as {@code apply_chat_template} of
 * transformers 5.18 does. Safe for use by several threads.
 *
 * <p>The text holds the special tokens written out, the first one included: encode it with {@link
 * Tokenizer#encode}, which puts nothing in front.
 */
public final class ChatTemplate {
  private static final String TOOL_USE = "tool_use";
  private static final Pattern GENERATION = Pattern.compile("\\{%-?\\s*generation\\s*-?%}");

  /** Marks where a message that is to go on ends; no template can know it. */
  private static final String CONTINUATION = "CONTINUE_FINAL_MESSAGE_TAG ";

  private final Path folder;
  private final ChatTemplateFiles files;
  private final Map<String, Template> templates = new LinkedHashMap<>();
  private final Clock clock;

  private ChatTemplate(Path folder, ChatTemplateFiles files, Clock clock) {
    this.folder = folder;
    this.files = files;
    this.clock = clock;
    files
        .templates()
        .forEach(
            (name, source) -> templates.put(name, Template.parse(source.name(), source.text())));
  }

  /** How a rendered text ends. */
  public enum Ending {
    /** Behind the last message. */
    MESSAGES,
    /** With what begins an answer of the assistant. */
    GENERATION_PROMPT,
    /** Inside the last message, which is to go on. */
    UNFINISHED_MESSAGE
  }

  /**
   * Reads the templates of a checkpoint: {@code chat_template.jinja}, {@code
   * additional_chat_templates}, or {@code chat_template} in {@code tokenizer_config.json}.
   *
   * @param folder folder of the checkpoint
   * @param clock what templates that write the date look at
   * @return empty if it has no chat template, as base models do
   * @throws FormatException if a file cannot be read
   * @throws TemplateException if a template is none
   */
  public static Optional<ChatTemplate> find(Path folder, Clock clock) {
    return of(folder, ChatTemplateFiles.read(folder), clock);
  }

  /**
   * Reads the templates that an adapter was trained with, which lie beside it as {@link #copy} puts
   * them there, with the special tokens of its base; those of the base if it has none.
   *
   * @param base folder of the base's checkpoint
   * @param adapter folder of the adapter
   * @param clock what templates that write the date look at
   * @return empty if neither has a chat template
   * @throws FormatException if a file cannot be read
   * @throws TemplateException if a template is none
   */
  public static Optional<ChatTemplate> find(Path base, Path adapter, Clock clock) {
    ChatTemplateFiles trained = ChatTemplateFiles.read(adapter);
    return trained.templates().isEmpty()
        ? find(base, clock)
        : of(adapter, trained.withTokensOf(ChatTemplateFiles.read(base)), clock);
  }

  private static Optional<ChatTemplate> of(Path folder, ChatTemplateFiles files, Clock clock) {
    return files.templates().isEmpty()
        ? Optional.empty()
        : Optional.of(new ChatTemplate(folder, files, clock));
  }

  /**
   * Copies the templates of a checkpoint, wherever its folder has them, to {@code
   * chat_template.jinja} and {@code additional_chat_templates} of another folder; nothing if there
   * are none.
   *
   * @throws FormatException if a file cannot be read
   */
  public static void copy(Path from, Path to) {
    ChatTemplateFiles.read(from).write(to);
  }

  /**
   * A template that does not come from a checkpoint.
   *
   * @param name what messages call it
   * @param specialTokens by variable, such as {@code bos_token}
   * @throws TemplateException if it is no template
   */
  public static ChatTemplate of(
      String name, String source, Map<String, String> specialTokens, Clock clock) {
    ChatTemplateFiles.Source only = new ChatTemplateFiles.Source(name, source);
    return new ChatTemplate(
        Path.of(name),
        new ChatTemplateFiles(Map.of(ChatTemplateFiles.DEFAULT, only), Map.copyOf(specialTokens)),
        clock);
  }

  /** Writes the templates as {@link #copy} does. */
  public void write(Path folder) {
    files.write(folder);
  }

  /** The names of the templates that there are; usually "default" alone. */
  public List<String> names() {
    return List.copyOf(files.templates().keySet());
  }

  /** The special tokens that templates know by name. */
  public Map<String, String> specialTokens() {
    return Map.copyOf(files.specialTokens());
  }

  /**
   * Text of the template that {@code conversation} is rendered with: "tool_use" for one with tools
   * where there is such a template, otherwise "default".
   */
  public String source(Conversation conversation) {
    ChatTemplateFiles.Source source = files.templates().get(choice(conversation));
    if (source == null) {
      throw missingDefault();
    }
    return source.text();
  }

  private String choice(Conversation conversation) {
    boolean isForTools = conversation.tools().isPresent() && templates.containsKey(TOOL_USE);
    return isForTools ? TOOL_USE : ChatTemplateFiles.DEFAULT;
  }

  private Template chosen(Conversation conversation) {
    Template template = templates.get(choice(conversation));
    if (template == null) {
      throw missingDefault();
    }
    return template;
  }

  private FormatException missingDefault() {
    return new FormatException(
        folder,
        "has the chat templates "
            + String.join(", ", templates.keySet())
            + " but none that is called default; copy the one you want to chat_template.jinja");
  }

  /**
   * Renders a conversation.
   *
   * @throws TemplateException if the template cannot be read, refuses the conversation or fails
   * @throws DataException if the last message cannot go on, for {@link Ending#UNFINISHED_MESSAGE}
   */
  public String render(Conversation conversation, Ending ending) {
    if (ending == Ending.UNFINISHED_MESSAGE) {
      return continued(conversation);
    }
    return rendering(conversation, ending, Marks.IGNORED).text();
  }

  private Rendering rendering(Conversation conversation, Ending ending, Marks marks) {
    Map<String, @Nullable Object> variables = new LinkedHashMap<>(files.specialTokens());
    variables.putAll(conversation.variables());
    variables.put("messages", conversation.messages().stream().map(ChatMessage::fields).toList());
    variables.put("tools", conversation.tools().orElse(null));
    variables.put("documents", conversation.documents().orElse(null));
    variables.put("add_generation_prompt", ending == Ending.GENERATION_PROMPT);
    return chosen(conversation).render(variables, clock, marks);
  }

  private String continued(Conversation conversation) {
    List<ChatMessage> messages = new ArrayList<>(conversation.messages());
    ChatMessage last = messages.removeLast();
    messages.add(
        last.continued(CONTINUATION)
            .orElseThrow(() ->
                new DataException(
                    "the last message, of the " + last.role() + ", holds no text to go on with")));
    String text = render(conversation.withMessages(messages), Ending.MESSAGES);
    String mark = CONTINUATION.strip();
    int end = text.lastIndexOf(mark);
    if (end < 0 || !text.contains(last.lastText().orElse("").strip())) {
      throw new DataException(
          "the text of the last message does not stand in what "
              + chosen(conversation).name()
              + " makes of it, so it cannot go on; the template removes or changes it");
    }
    String before = text.substring(0, end);
    return text.startsWith(CONTINUATION, end) ? before : before.stripTrailing();
  }

  /**
   * Renders a whole conversation and tells which parts the model is to learn to say.
   *
   * <p>A template with {@code generation} blocks says it itself. Otherwise an assistant's part
   * begins where the text of the messages before it ends, generation prompt included, and ends
   * where the text of the messages up to it ends; what the template writes behind a message, such
   * as the token that ends it and a line end, belongs to it.
   *
   * @throws TemplateException if the template refuses the conversation or its beginnings, or if it
   *     writes a beginning otherwise than the whole conversation: then no part can be told
   */
  public MaskedChat renderWithMask(Conversation conversation) {
    if (GENERATION.matcher(source(conversation)).find()) {
      Rendering rendering = rendering(conversation, Ending.MESSAGES, Marks.KEPT);
      List<Span> spans =
          rendering.generation().stream().filter(span -> span.end() > span.start()).toList();
      return new MaskedChat(rendering.text(), spans, MaskedChat.Origin.GENERATION_BLOCKS);
    }
    String text = render(conversation, Ending.MESSAGES);
    List<Span> spans = new ArrayList<>();
    for (int i = 0; i < conversation.messages().size(); i++) {
      if (!conversation.messages().get(i).isFromAssistant()) {
        continue;
      }
      if (i == 0) {
        throw problem(
            conversation, "the first message is the assistant's, so nothing is before it");
      }
      int start = length(conversation, i, Ending.GENERATION_PROMPT, text);
      int end = length(conversation, i + 1, Ending.MESSAGES, text);
      int before = spans.isEmpty() ? 0 : spans.getLast().end();
      if (start > end || start < before) {
        throw problem(
            conversation,
            "the generation prompt in front of message "
                + (i + 1)
                + " is longer than what is written of the message");
      }
      if (end > start) {
        spans.add(new Span(start, end));
      }
    }
    return new MaskedChat(text, spans, MaskedChat.Origin.PREFIXES);
  }

  /**
   * How long the text of the first {@code count} messages is, with which the whole has to begin.
   */
  private int length(Conversation conversation, int count, Ending ending, String whole) {
    String beginning = render(conversation.first(count), ending);
    if (whole.startsWith(beginning)) {
      return beginning.length();
    }
    int at = 0;
    while (at < beginning.length()
        && at < whole.length()
        && beginning.charAt(at) == whole.charAt(at)) {
      at++;
    }
    throw problem(
        conversation,
        "it writes the first %d messages%s otherwise when others follow: \"%s\" becomes \"%s\""
            .formatted(
                count,
                ending == Ending.GENERATION_PROMPT ? " and the generation prompt" : "",
                excerpt(beginning, at),
                excerpt(whole, at)));
  }

  private static String excerpt(String text, int at) {
    String part = text.substring(Math.max(0, at - 20), Math.min(text.length(), at + 20));
    return part.replace("\n", "\\n");
  }

  private TemplateException problem(Conversation conversation, String problem) {
    return new TemplateException(
        chosen(conversation).name(),
        1,
        "which parts are the assistant's cannot be told, because "
            + problem
            + ". Mark them in the template with {% generation %} and {% endgeneration %}.");
  }
}
