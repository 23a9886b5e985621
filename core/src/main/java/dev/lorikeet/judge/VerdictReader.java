package dev.lorikeet.judge;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Asks a judge and reads its verdict strictly: the reply has to be one JSON object with the asked
 * key and {@code reason}, alone or as the only block between {@code ```} lines; thoughts between
 * {@code <think>} and {@code </think>} before it are skipped. Any other reply is sent back once
 * with what is wrong with it.
 *
 * @param <T> grade or preference
 */
final class VerdictReader<T> {
  private static final Pattern THOUGHTS =
      Pattern.compile("\\A\\s*<think>.*?</think>", Pattern.DOTALL);
  private static final Pattern FENCED =
      Pattern.compile("\\A```(?:json)?[ \\t]*\\r?\\n(?<body>.*)```\\z", Pattern.DOTALL);
  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private final String key;
  private final Function<JsonNode, Optional<T>> value;
  private final String form;

  /**
   * @param key of the value
   * @param value reads it; empty where it is none of those allowed
   * @param form an example of a reply, with the allowed values
   */
  VerdictReader(String key, Function<JsonNode, Optional<T>> value, String form) {
    this.key = key;
    this.value = value;
    this.form = form;
  }

  /** What a prompt has to say about the reply. */
  String request() {
    return "Reply with one JSON object and nothing else: " + form;
  }

  /** The model's verdict, after at most one repair. */
  Verdict<T> ask(ChatModel model, List<ChatMessage> conversation) {
    String reply = model.reply(conversation);
    Verdict<T> verdict = read(reply);
    if (!(verdict instanceof Verdict.Unreadable<T> unreadable)) {
      return verdict;
    }
    List<ChatMessage> again = new ArrayList<>(conversation);
    again.add(new ChatMessage(ChatMessage.Role.ASSISTANT, reply));
    again.add(
        new ChatMessage(
            ChatMessage.Role.USER,
            "That reply cannot be used: " + unreadable.problem() + ". " + request()));
    return read(model.reply(again));
  }

  /** The verdict in {@code reply}. */
  Verdict<T> read(String reply) {
    String text = THOUGHTS.matcher(reply).replaceFirst("").strip();
    Matcher fenced = FENCED.matcher(text);
    if (fenced.matches()) {
      text = fenced.group("body");
    }
    JsonNode json;
    try {
      json = MAPPER.readTree(text);
    } catch (JacksonException notJson) {
      return new Verdict.Unreadable<>(reply, "it is not one JSON object");
    }
    if (!json.isObject()) {
      return new Verdict.Unreadable<>(reply, "it is not one JSON object");
    }
    Set<String> strange =
        json.propertyNames().stream()
            .filter(name -> !name.equals(key) && !name.equals("reason"))
            .collect(Collectors.toSet());
    if (!strange.isEmpty()) {
      return new Verdict.Unreadable<>(reply, "it has other keys than " + key + " and reason");
    }
    Optional<T> found = value.apply(json.path(key));
    if (found.isEmpty()) {
      return new Verdict.Unreadable<>(reply, "its " + key + " is none of the allowed values");
    }
    return new Verdict.Given<>(found.get(), json.path("reason").asString(""));
  }
}
