package dev.lorikeet.tokenizer;

import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a chat template is rendered with.
 *
 * @param messages at least one
 * @param tools descriptions of functions that the model may call, usually JSON schemas; absent is
 *     something else than an empty list for some templates
 * @param documents texts that the model may quote, objects with {@code title} and {@code text}
 * @param variables further variables that the template knows, such as {@code enable_thinking}; they
 *     come before special tokens of the same name
 */
public record Conversation(
    List<ChatMessage> messages,
    Optional<List<?>> tools,
    Optional<List<?>> documents,
    Map<String, @Nullable Object> variables) {

  public Conversation {
    messages = List.copyOf(messages);
    variables = Collections.unmodifiableMap(new LinkedHashMap<>(variables));
    if (messages.isEmpty()) {
      throw new IllegalArgumentException("a conversation has at least one message");
    }
  }

  /** Messages alone. */
  public static Conversation of(List<ChatMessage> messages) {
    return new Conversation(messages, Optional.empty(), Optional.empty(), Map.of());
  }

  /** The same with tools. */
  public Conversation withTools(List<?> newTools) {
    return new Conversation(messages, Optional.of(newTools), documents, variables);
  }

  /** The first {@code count} messages. */
  Conversation first(int count) {
    return withMessages(messages.subList(0, count));
  }

  Conversation withMessages(List<ChatMessage> newMessages) {
    return new Conversation(newMessages, tools, documents, variables);
  }

  /**
   * Reads a JSON file: a list of messages, or an object with {@code messages} and, if wanted,
   * {@code tools}, {@code documents} and {@code chat_template_kwargs}.
   *
   * @throws dev.lorikeet.error.DataException if the file cannot be read or is something else
   */
  public static Conversation read(Path file) {
    return new ConversationJson(file.toString()).conversation(ConversationJson.bytes(file));
  }

  /**
   * Reads JSON text as {@link #read} does.
   *
   * @param source what messages call it
   */
  public static Conversation parse(String source, byte[] json) {
    return new ConversationJson(source).conversation(json);
  }

  /**
   * Reads a JSON file with a list of tools, or an object with the list under {@code tools}.
   *
   * @throws dev.lorikeet.error.DataException if the file cannot be read or is something else
   */
  public static List<?> readTools(Path file) {
    return new ConversationJson(file.toString()).tools(ConversationJson.bytes(file));
  }
}
