package dev.lorikeet.tokenizer;

import dev.lorikeet.error.FormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.MissingNode;

/**
 * What the files beside a vocabulary say about the tokenizer, as transformers 5 reads them: {@code
 * tokenizer_config.json}, and where that has no {@code added_tokens_decoder} also {@code
 * special_tokens_map.json} and {@code added_tokens.json}. Not asked where there is a {@code
 * tokenizer.json}, which holds all of it itself.
 *
 * @param file {@code tokenizer_config.json}, whether or not it exists
 * @param tokenizerClass {@code tokenizer_class} without the ending {@code Fast}
 * @param modelType {@code model_type} of {@code config.json}
 * @param named {@code bos_token} and the like
 * @param extra further special tokens
 * @param added tokens with given ids
 * @param root the whole file
 */
record TokenizerConfig(
    Path file,
    Optional<String> tokenizerClass,
    Optional<String> modelType,
    Map<String, AddedToken> named,
    List<AddedToken> extra,
    Map<Integer, AddedToken> added,
    JsonNode root) {
  private static final List<String> NAMES =
      List.of(
          "bos_token",
          "eos_token",
          "unk_token",
          "sep_token",
          "pad_token",
          "cls_token",
          "mask_token");
  private static final List<String> EXTRA =
      List.of("extra_special_tokens", "additional_special_tokens");

  /** Reads the files of {@code folder}; those that do not exist say nothing. */
  static TokenizerConfig read(Path folder) {
    Path file = folder.resolve("tokenizer_config.json");
    JsonNode root = json(file);
    boolean complete = root.path("added_tokens_decoder").isObject();
    JsonNode map =
        complete ? MissingNode.getInstance() : json(folder.resolve("special_tokens_map.json"));
    Map<String, AddedToken> named = new LinkedHashMap<>();
    for (String name : NAMES) {
      JsonNode token = map.has(name) ? map.path(name) : root.path(name);
      if (token.isString() || token.isObject()) {
        named.put(name, AddedToken.of(token, true).withSpecial(true));
      }
    }
    List<AddedToken> extra = new ArrayList<>(extra(root));
    extra.addAll(extra(map));
    return new TokenizerConfig(
        file,
        text(root, "tokenizer_class").map(TokenizerConfig::withoutFast),
        text(json(folder.resolve("config.json")), "model_type"),
        named,
        extra,
        complete ? decoder(file, root) : separate(folder, named, extra),
        root);
  }

  /** A JSON file; {@link MissingNode} if it does not exist. */
  static JsonNode json(Path file) {
    if (!Files.exists(file)) {
      return MissingNode.getInstance();
    }
    try {
      return JsonMapper.shared().readTree(Files.readAllBytes(file));
    } catch (JacksonException e) {
      throw new FormatException(file, "is not valid JSON: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw new FormatException(file, "cannot be read: " + e, e);
    }
  }

  /** A switch that is on if the file says so. */
  boolean isOn(String key) {
    JsonNode value = root.path(key);
    return value.isBoolean() && value.booleanValue();
  }

  /** A switch that is off if the file says so. */
  boolean isNotOff(String key) {
    JsonNode value = root.path(key);
    return !value.isBoolean() || value.booleanValue();
  }

  /** A whole number. */
  int number(String key, int otherwise) {
    JsonNode value = root.path(key);
    return value.canConvertToInt() && value.isIntegralNumber() ? value.intValue() : otherwise;
  }

  /** The text of a named token. */
  Optional<String> token(String name) {
    return Optional.ofNullable(named.get(name)).map(AddedToken::content);
  }

  /** Adds what the files say to {@code tokens}: those with ids first, by id. */
  void addTo(AddedTokens tokens) {
    added.forEach((id, token) -> tokens.add(token, id, file));
    named.values().forEach(token -> addSpecial(tokens, token));
    extra.forEach(token -> addSpecial(tokens, token));
  }

  private static void addSpecial(AddedTokens tokens, AddedToken token) {
    tokens.add(token);
    tokens.mark(token.content());
  }

  private static List<AddedToken> extra(JsonNode root) {
    List<AddedToken> found = new ArrayList<>();
    for (String key : EXTRA) {
      for (JsonNode token : root.path(key)) {
        found.add(AddedToken.of(token, true).withSpecial(true));
      }
    }
    return found;
  }

  private static Map<Integer, AddedToken> decoder(Path file, JsonNode root) {
    Map<Integer, AddedToken> added = new TreeMap<>();
    for (Map.Entry<String, JsonNode> entry : root.path("added_tokens_decoder").properties()) {
      added.put(id(file, entry.getKey()), AddedToken.of(entry.getValue(), false));
    }
    return added;
  }

  private static int id(Path file, String key) {
    try {
      return Integer.parseUnsignedInt(key);
    } catch (NumberFormatException e) {
      throw new FormatException(
          file, "added_tokens_decoder: \"" + key + "\" is no id; it is a whole number", e);
    }
  }

  private static Map<Integer, AddedToken> separate(
      Path folder, Map<String, AddedToken> named, List<AddedToken> extra) {
    Path file = folder.resolve("added_tokens.json");
    Map<Integer, AddedToken> added = new TreeMap<>();
    for (Map.Entry<String, JsonNode> entry : json(file).properties()) {
      String content = entry.getKey();
      if (!entry.getValue().isIntegralNumber() || !entry.getValue().canConvertToInt()) {
        throw new FormatException(
            file, "\"" + content + "\"", "has no id; each token has a whole number");
      }
      boolean special =
          named.values().stream().anyMatch(token -> token.content().equals(content))
              || extra.stream().anyMatch(token -> token.content().equals(content));
      added.put(
          entry.getValue().intValue(),
          new AddedToken(content, special, !special, false, false, false));
    }
    return added;
  }

  private static Optional<String> text(JsonNode root, String key) {
    JsonNode value = root.path(key);
    return value.isString() ? Optional.of(value.stringValue()) : Optional.empty();
  }

  private static String withoutFast(String name) {
    return name.endsWith("Fast") ? name.substring(0, name.length() - "Fast".length()) : name;
  }
}
