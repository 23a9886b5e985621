package dev.lorikeet.data;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What one side says in a {@link Sample.Dialogue}.
 *
 * @param role who speaks
 * @param text what is said
 * @param input what it is about, apart from it, as Alpaca has it; empty for most. Where a prompt
 *     has no place for it, it stands behind the text after an empty line
 * @param toolCalls functions that the assistant calls
 * @param trained whether the model may learn it; only the assistant's turns are
 * @param more further fields that templates may know, such as {@code reasoning_content}
 */
public record Turn(
    Role role,
    String text,
    String input,
    List<ToolCall> toolCalls,
    boolean trained,
    Map<String, @Nullable Object> more) {

  public Turn {
    toolCalls = List.copyOf(toolCalls);
    more = Collections.unmodifiableMap(new LinkedHashMap<>(more));
    if (trained && role != Role.ASSISTANT) {
      throw new IllegalArgumentException("only the assistant's turns are trained, not " + role);
    }
  }

  /** Who speaks. */
  public enum Role {
    SYSTEM,
    USER,
    ASSISTANT,
    /** What a called function answers. */
    TOOL;

    /** The role as chat templates write it. */
    public String spelling() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * A call of a function.
   *
   * @param name of the function
   * @param arguments usually a map
   * @param more further fields, such as {@code id}
   */
  public record ToolCall(
      String name, @Nullable Object arguments, Map<String, @Nullable Object> more) {
    public ToolCall {
      more = Collections.unmodifiableMap(new LinkedHashMap<>(more));
    }
  }

  /** A turn of a text; the assistant's is trained. */
  static Turn of(Role role, String text) {
    return new Turn(role, text, "", List.of(), role == Role.ASSISTANT, Map.of());
  }

  /** A user's turn with an input. */
  static Turn asked(String text, String input) {
    return new Turn(Role.USER, text, input, List.of(), false, Map.of());
  }

  /** The text, and behind it the input if there is one. */
  public String whole() {
    return input.isEmpty() ? text : text.isEmpty() ? input : text + "\n\n" + input;
  }

  /** Whether nothing is said and nothing is called. */
  boolean isEmpty() {
    return text.isBlank() && input.isBlank() && toolCalls.isEmpty();
  }
}
