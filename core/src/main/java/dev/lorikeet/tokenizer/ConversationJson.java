package dev.lorikeet.tokenizer;

import dev.lorikeet.error.DataException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Reads conversations and tools from JSON. */
final class ConversationJson {
  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private static final Set<String> KEYS =
      new LinkedHashSet<>(List.of("messages", "tools", "documents", "chat_template_kwargs"));

  private final String source;

  /** {@code source} is what messages call the JSON. */
  ConversationJson(String source) {
    this.source = source;
  }

  static byte[] bytes(Path file) {
    if (Files.isDirectory(file)) {
      throw new DataException(file + " is a folder; name a JSON file in it");
    }
    try {
      return Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      throw new DataException(
          "%s does not exist (looked in %s)".formatted(file, Path.of("").toAbsolutePath()), e);
    } catch (IOException e) {
      throw new DataException(file + " cannot be read: " + e, e);
    }
  }

  Conversation conversation(byte[] json) {
    JsonNode root = tree(json);
    if (root.isArray()) {
      return new Conversation(messages(root), Optional.empty(), Optional.empty(), Map.of());
    }
    if (!root.isObject()) {
      throw wrong("expected a list of messages or an object with \"messages\", found ", root);
    }
    for (String key : root.propertyNames()) {
      if (!KEYS.contains(key)) {
        throw new DataException(
            source
                + ": the key \""
                + key
                + "\" is unknown; the object may have "
                + String.join(", ", KEYS));
      }
    }
    if (!root.path("messages").isArray()) {
      throw wrong("\"messages\" must be a list of messages, found ", root.path("messages"));
    }
    Map<String, @Nullable Object> variables = new LinkedHashMap<>();
    JsonNode kwargs = root.path("chat_template_kwargs");
    if (!kwargs.isMissingNode() && !kwargs.isNull()) {
      if (!kwargs.isObject()) {
        throw wrong("\"chat_template_kwargs\" must be an object, found ", kwargs);
      }
      kwargs.properties().forEach(entry -> variables.put(entry.getKey(), plain(entry.getValue())));
    }
    return new Conversation(
        messages(root.path("messages")), list(root, "tools"), list(root, "documents"), variables);
  }

  List<?> tools(byte[] json) {
    JsonNode root = tree(json);
    JsonNode list = root.isObject() ? root.path("tools") : root;
    if (!list.isArray()) {
      throw wrong("expected a list of tools or an object with \"tools\", found ", list);
    }
    return plainList(list);
  }

  private JsonNode tree(byte[] json) {
    try {
      return MAPPER.readTree(json);
    } catch (JacksonException e) {
      TokenStreamLocation at = e.getLocation();
      throw new DataException(
          source
              + (at == null ? "" : ", line " + at.getLineNr() + ", column " + at.getColumnNr())
              + ": not valid JSON: "
              + String.valueOf(e.getOriginalMessage()).replaceAll("\\s+", " "),
          e);
    }
  }

  private List<ChatMessage> messages(JsonNode list) {
    if (list.isEmpty()) {
      throw new DataException(source + ": the list of messages is empty; give at least one");
    }
    List<ChatMessage> messages = new ArrayList<>();
    for (JsonNode message : list) {
      String place = "message " + (messages.size() + 1);
      if (!message.isObject()) {
        throw wrong(place + " must be an object with \"role\" and \"content\", found ", message);
      }
      Map<String, @Nullable Object> fields = new LinkedHashMap<>();
      message.properties().forEach(entry -> fields.put(entry.getKey(), plain(entry.getValue())));
      try {
        messages.add(new ChatMessage(fields));
      } catch (IllegalArgumentException problem) {
        throw new DataException(source + ", " + place + ": " + problem.getMessage(), problem);
      }
    }
    return messages;
  }

  private Optional<List<?>> list(JsonNode root, String key) {
    JsonNode value = root.path(key);
    if (value.isMissingNode() || value.isNull()) {
      return Optional.empty();
    }
    if (!value.isArray()) {
      throw wrong("\"" + key + "\" must be a list, found ", value);
    }
    return Optional.of(plainList(value));
  }

  private DataException wrong(String expected, JsonNode found) {
    return new DataException(
        source
            + ": "
            + expected
            + (found.isMissingNode() ? "nothing" : ChatMessage.kind(plain(found))));
  }

  private static List<@Nullable Object> plainList(JsonNode list) {
    List<@Nullable Object> items = new ArrayList<>();
    list.forEach(item -> items.add(plain(item)));
    return items;
  }

  private static @Nullable Object plain(JsonNode node) {
    return switch (node.getNodeType()) {
      case STRING -> node.stringValue();
      case BOOLEAN -> node.booleanValue();
      case NUMBER -> node.isIntegralNumber() ? node.bigIntegerValue() : (Object) node.doubleValue();
      case ARRAY -> plainList(node);
      case OBJECT -> {
        Map<String, @Nullable Object> map = new LinkedHashMap<>();
        node.properties().forEach(entry -> map.put(entry.getKey(), plain(entry.getValue())));
        yield map;
      }
      default -> null;
    };
  }
}
