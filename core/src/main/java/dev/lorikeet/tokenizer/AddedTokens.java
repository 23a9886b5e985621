package dev.lorikeet.tokenizer;

import dev.lorikeet.error.FormatException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalInt;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * The added tokens of a tokenizer that is put together, with the ids that the tokenizers library
 * gives them: a token of the vocabulary keeps its id, another one gets the next free one.
 */
final class AddedTokens {
  private final Map<String, Integer> vocabulary;
  private final Map<String, AddedToken> tokens = new LinkedHashMap<>();
  private final Map<String, Integer> ids = new LinkedHashMap<>();
  private int next;

  /**
   * None yet.
   *
   * @param vocabulary ids of the model's tokens, from 0 without gaps
   */
  AddedTokens(Map<String, Integer> vocabulary) {
    this.vocabulary = vocabulary;
    this.next = vocabulary.values().stream().mapToInt(Integer::intValue).max().orElse(-1) + 1;
  }

  /** Adds {@code token}, unless one of that text is there. */
  void add(AddedToken token) {
    if (token.content().isEmpty() || tokens.putIfAbsent(token.content(), token) != null) {
      return;
    }
    Integer known = vocabulary.get(token.content());
    ids.put(token.content(), known == null ? next++ : known);
  }

  /**
   * The same for a token whose id is given.
   *
   * @throws FormatException if {@code file} gives it another id than the library would
   */
  void add(AddedToken token, int id, Path file) {
    add(token);
    int given = ids.getOrDefault(token.content(), -1);
    if (given != id) {
      throw new FormatException(
          file,
          "added token \"" + token.content() + "\"",
          "has the id "
              + id
              + ", but after the ids before it comes "
              + given
              + "; take the file and the vocabulary from one revision");
    }
  }

  /** The id of a token of the vocabulary or an added one. */
  OptionalInt idOf(String content) {
    Integer id = ids.getOrDefault(content, vocabulary.get(content));
    return id == null ? OptionalInt.empty() : OptionalInt.of(id);
  }

  /** Marks the token as special if there is one. */
  void mark(String content) {
    if (vocabulary.containsKey(content)) {
      add(AddedToken.plain(content, true));
    }
    tokens.computeIfPresent(content, (text, token) -> token.withSpecial(true));
  }

  /** {@code added_tokens} of a {@code tokenizer.json}, by id. */
  ArrayNode json() {
    ArrayNode json = JsonNodeFactory.instance.arrayNode();
    ids.entrySet().stream()
        .sorted(Map.Entry.comparingByValue())
        .forEach(entry -> {
          AddedToken token = tokens.get(entry.getKey());
          if (token != null) {
            token.write(json.addObject(), entry.getValue());
          }
        });
    return json;
  }
}
