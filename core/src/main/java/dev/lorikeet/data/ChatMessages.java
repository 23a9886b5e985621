package dev.lorikeet.data;

import dev.lorikeet.data.Turn.Role;
import dev.lorikeet.data.Turn.ToolCall;
import dev.lorikeet.error.DataException;
import dev.lorikeet.error.Spelling;
import dev.lorikeet.source.JsonText;
import dev.lorikeet.source.SourceRecord;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;

/** Reads lists of messages. A list may also be a text that holds JSON, as in tables. */
final class ChatMessages {
  private static final Map<String, Role> OPEN_AI =
      Map.of(
          "system", Role.SYSTEM,
          "developer", Role.SYSTEM,
          "user", Role.USER,
          "assistant", Role.ASSISTANT,
          "tool", Role.TOOL,
          "function", Role.TOOL);

  private static final Map<String, Role> SHARE_GPT =
      Map.of(
          "system", Role.SYSTEM,
          "human", Role.USER,
          "user", Role.USER,
          "gpt", Role.ASSISTANT,
          "assistant", Role.ASSISTANT,
          "function_call", Role.ASSISTANT,
          "observation", Role.TOOL,
          "tool", Role.TOOL);

  private static final Set<String> READ = Set.of("role", "content", "tool_calls", "weight");

  private final SourceRecord record;
  private final List<Turn> turns = new ArrayList<>();

  private ChatMessages(SourceRecord record) {
    this.record = record;
  }

  /** {@code messages} with {@code role}, {@code content}, {@code tool_calls}; {@code tools}. */
  static Sample.Dialogue openAi(SourceRecord record) {
    ChatMessages read = new ChatMessages(record);
    for (Object message : list(record, "messages")) {
      read.message(message);
    }
    return read.dialogue();
  }

  /** {@code conversations} with {@code from} and {@code value}; {@code system}, {@code tools}. */
  static Sample.Dialogue shareGpt(SourceRecord record) {
    ChatMessages read = new ChatMessages(record);
    String system = record.textOrEmpty("system");
    if (!system.isEmpty()) {
      read.turns.add(Turn.of(Role.SYSTEM, system));
    }
    for (Object message : list(record, "conversations")) {
      read.said(message);
    }
    return read.dialogue();
  }

  private Sample.Dialogue dialogue() {
    RoleOrder.require(record, turns);
    boolean tools = record.has("tools") && !"".equals(record.values().get("tools"));
    List<?> described = tools ? list(record, "tools") : List.of();
    return new Sample.Dialogue(
        record,
        turns,
        described.isEmpty()
            ? Optional.empty()
            : Optional.of(described.stream().map(ChatMessages::function).toList()));
  }

  /** A description of a function in the form that chat templates know, in a fixed order. */
  private static Object function(Object tool) {
    if (tool instanceof Map<?, ?> map && map.containsKey("name") && !map.containsKey("function")) {
      Map<String, Object> described = new LinkedHashMap<>();
      described.put("type", "function");
      described.put("function", map);
      return described;
    }
    return tool;
  }

  private void message(Object message) {
    Map<?, ?> fields = fields(message, "role", "content");
    Role role = role(fields, "role", OPEN_AI);
    List<ToolCall> calls = new ArrayList<>();
    if (fields.get("tool_calls") instanceof List<?> several) {
      several.forEach(call -> calls.add(call(call)));
    }
    boolean trained =
        role == Role.ASSISTANT
            && !(fields.get("weight") instanceof Number weight && weight.doubleValue() == 0);
    Map<String, @Nullable Object> more = new LinkedHashMap<>();
    fields.forEach((key, value) -> {
      // Tables have every key in every message; what is null was not written.
      if (value != null && !READ.contains(String.valueOf(key))) {
        more.put(String.valueOf(key), value);
      }
    });
    turns.add(new Turn(role, content(fields.get("content"), calls), "", calls, trained, more));
  }

  private String content(@Nullable Object content, List<ToolCall> calls) {
    if (content instanceof String text) {
      return text;
    }
    if (content == null && !calls.isEmpty()) {
      return "";
    }
    if (content instanceof List<?> parts) {
      StringBuilder text = new StringBuilder();
      for (Object part : parts) {
        if (!(part instanceof Map<?, ?> map && map.get("text") instanceof String piece)) {
          throw problem("a part of its content is no text; only texts can be learned");
        }
        text.append(piece);
      }
      return text.toString();
    }
    throw problem("its \"content\" must be a text, found " + SourceRecord.kind(content));
  }

  private void said(Object message) {
    Map<?, ?> fields = fields(message, "from", "value");
    Role role = role(fields, "from", SHARE_GPT);
    if (!(fields.get("value") instanceof String text)) {
      throw problem(
          "its \"value\" must be a text, found " + SourceRecord.kind(fields.get("value")));
    }
    if ("function_call".equals(fields.get("from"))) {
      List<ToolCall> calls = new ArrayList<>();
      Object parsed = json(text, "its call");
      (parsed instanceof List<?> several ? several : List.of(parsed))
          .forEach(call -> calls.add(call(call)));
      turns.add(new Turn(role, "", "", calls, true, Map.of()));
    } else {
      turns.add(Turn.of(role, text));
    }
  }

  private ToolCall call(@Nullable Object call) {
    Object inner = call instanceof Map<?, ?> outer ? outer.get("function") : null;
    Map<?, ?> function =
        inner instanceof Map<?, ?> map ? map : call instanceof Map<?, ?> m ? m : Map.of();
    if (!(function.get("name") instanceof String name)) {
      throw problem("a tool call needs a \"name\", found " + SourceRecord.kind(call));
    }
    Object arguments = function.get("arguments");
    if (arguments instanceof String text && text.stripLeading().startsWith("{")) {
      arguments = json(text, "the arguments of " + name);
    }
    Map<String, @Nullable Object> more = new LinkedHashMap<>();
    if (inner instanceof Map<?, ?> && call instanceof Map<?, ?> outer) {
      outer.forEach((key, value) -> {
        if (value != null && !"function".equals(key)) {
          more.put(String.valueOf(key), value);
        }
      });
    }
    return new ToolCall(name, arguments, more);
  }

  private Map<?, ?> fields(@Nullable Object message, String first, String second) {
    if (message instanceof Map<?, ?> fields) {
      return fields;
    }
    throw problem(
        "it must be an object with \"%s\" and \"%s\", found %s"
            .formatted(first, second, SourceRecord.kind(message)));
  }

  private Role role(Map<?, ?> fields, String key, Map<String, Role> known) {
    if (!(fields.get(key) instanceof String name)) {
      throw problem(
          "its \"%s\" must be a text, found %s; the message has %s"
              .formatted(key, SourceRecord.kind(fields.get(key)), fields.keySet()));
    }
    Role role = known.get(name);
    if (role == null) {
      List<String> names = known.keySet().stream().sorted().toList();
      throw problem(
          "its \"%s\" is \"%s\", expected one of %s%s"
              .formatted(
                  key,
                  name,
                  String.join(", ", names),
                  Spelling.nearest(name, names).map(near -> "; is it " + near + "?").orElse("")));
    }
    return role;
  }

  private static List<?> list(SourceRecord record, String key) {
    if (record.values().get(key) instanceof String text) {
      try {
        if (JsonText.value(text) instanceof List<?> list) {
          return list;
        }
      } catch (JacksonException e) {
        throw record.problem(
            "key \"" + key + "\" holds a text that is not valid JSON: " + e.getOriginalMessage(),
            e);
      }
    }
    return record.list(key);
  }

  private Object json(String text, String what) {
    try {
      Object value = JsonText.value(text);
      if (value != null) {
        return value;
      }
    } catch (JacksonException e) {
      throw record.problem(
          "message %d: %s is not valid JSON: %s"
              .formatted(turns.size() + 1, what, e.getOriginalMessage()),
          e);
    }
    throw problem(what + " is null");
  }

  private DataException problem(String text) {
    return record.problem("message " + (turns.size() + 1) + ": " + text);
  }
}
