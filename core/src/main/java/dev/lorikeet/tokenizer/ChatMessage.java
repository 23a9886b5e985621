package dev.lorikeet.tokenizer;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A message of a conversation, as chat templates see it.
 *
 * @param fields all of it, in the order in which it was written, because templates may write a
 *     message out as JSON: {@code role}, {@code content} (a text, a list of parts such as {@code
 *     {"type": "text", "text": …}}, or null), {@code tool_calls} and whatever else templates know.
 *     Values are null, Boolean, Number, String, List and Map.
 */
public record ChatMessage(Map<String, @Nullable Object> fields) {
  private static final String ROLE = "role";
  private static final String CONTENT = "content";

  /**
   * A message of these fields.
   *
   * @throws IllegalArgumentException if the role is missing or no text, or the content or the tool
   *     calls are of another kind; the message says what was found
   */
  public ChatMessage {
    fields = Collections.unmodifiableMap(new LinkedHashMap<>(fields));
    if (!(fields.get(ROLE) instanceof String)) {
      throw new IllegalArgumentException(
          fields.containsKey(ROLE)
              ? "\"role\" must be a text, found " + kind(fields.get(ROLE))
              : "\"role\" is missing; the message has " + fields.keySet());
    }
    Object content = fields.get(CONTENT);
    if (content != null && !(content instanceof String) && !(content instanceof List)) {
      throw new IllegalArgumentException(
          "\"content\" must be a text or a list of parts, found " + kind(content));
    }
    Object calls = fields.get("tool_calls");
    if (calls != null && !(calls instanceof List)) {
      throw new IllegalArgumentException("\"tool_calls\" must be a list, found " + kind(calls));
    }
  }

  /** A message of a text. */
  public static ChatMessage of(String role, String content) {
    Map<String, @Nullable Object> fields = new LinkedHashMap<>();
    fields.put(ROLE, role);
    fields.put(CONTENT, content);
    return new ChatMessage(fields);
  }

  /** Who speaks: system, user, assistant, tool, or what else the template knows. */
  public String role() {
    return String.valueOf(fields.get(ROLE));
  }

  /** Whether the model is to learn to say it. */
  public boolean isFromAssistant() {
    return role().equals("assistant");
  }

  /** The content, if it is one text. */
  public Optional<String> text() {
    return fields.get(CONTENT) instanceof String text ? Optional.of(text) : Optional.empty();
  }

  /** The parts of the content; empty if it is a text or absent. */
  public List<?> parts() {
    return fields.get(CONTENT) instanceof List<?> parts ? parts : List.of();
  }

  /** The calls of tools; empty if there are none. */
  public List<?> toolCalls() {
    return fields.get("tool_calls") instanceof List<?> calls ? calls : List.of();
  }

  /** The same message whose last text goes on with {@code more}; empty if it holds no text. */
  Optional<ChatMessage> continued(String more) {
    Map<String, @Nullable Object> changed = new LinkedHashMap<>(fields);
    if (text().isPresent()) {
      changed.put(CONTENT, text().get() + more);
      return Optional.of(new ChatMessage(changed));
    }
    List<Object> parts = new ArrayList<>(parts());
    for (int i = parts.size() - 1; i >= 0; i--) {
      if (parts.get(i) instanceof Map<?, ?> part && part.get("text") instanceof String text) {
        Map<Object, Object> longer = new LinkedHashMap<>(part);
        longer.put("text", text + more);
        parts.set(i, longer);
        changed.put(CONTENT, parts);
        return Optional.of(new ChatMessage(changed));
      }
    }
    return Optional.empty();
  }

  /** The text that {@link #continued} makes longer. */
  Optional<String> lastText() {
    if (text().isPresent()) {
      return text();
    }
    for (Object part : parts().reversed()) {
      if (part instanceof Map<?, ?> map && map.get("text") instanceof String text) {
        return Optional.of(text);
      }
    }
    return Optional.empty();
  }

  static String kind(@Nullable Object value) {
    return switch (value) {
      case null -> "null";
      case String _ -> "a text";
      case Boolean _ -> "true or false";
      case Number _ -> "a number";
      case List<?> _ -> "a list";
      case Map<?, ?> _ -> "an object";
      default -> value.getClass().getSimpleName();
    };
  }
}
