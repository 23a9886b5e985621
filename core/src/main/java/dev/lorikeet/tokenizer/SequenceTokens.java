package dev.lorikeet.tokenizer;

import dev.lorikeet.error.FormatException;
import java.nio.file.Path;
import java.util.OptionalInt;
import tools.jackson.databind.JsonNode;

/**
 * Which tokens begin and end a sequence, as the files beside a tokenizer say.
 *
 * <p>A token named in {@code tokenizer_config.json} ({@code eos_token}: a text or an object with
 * {@code content}) is trusted first, then the id in {@code config.json}, then the one in {@code
 * generation_config.json} ({@code eos_token_id}: a number or a list, of which the first counts),
 * then a {@code tokenizer.model} itself. What is added to a sequence is no matter of these: {@code
 * tokenizer.json}'s own post-processor decides it.
 *
 * @param bosId token that begins a sequence
 * @param eosId token that ends a sequence
 */
record SequenceTokens(OptionalInt bosId, OptionalInt eosId) {

  /** Reads the tokens named in {@code folder}; files that do not exist say nothing. */
  static SequenceTokens read(Path folder, TokenizerFile tokens) {
    JsonNode config = TokenizerConfig.json(folder.resolve("tokenizer_config.json"));
    JsonNode model = TokenizerConfig.json(folder.resolve("config.json"));
    JsonNode generation = TokenizerConfig.json(folder.resolve("generation_config.json"));
    OptionalInt bos = id("bos_token", folder, tokens, config, model, generation);
    OptionalInt eos = id("eos_token", folder, tokens, config, model, generation);
    return new SequenceTokens(
        bos.isPresent() ? bos : tokens.begin(), eos.isPresent() ? eos : tokens.end());
  }

  private static OptionalInt id(
      String key, Path folder, TokenizerFile tokens, JsonNode config, JsonNode... others) {
    JsonNode named = config.path(key);
    JsonNode content = named.isObject() ? named.path("content") : named;
    if (content.isString()) {
      OptionalInt id = tokens.idOf(content.stringValue());
      if (id.isEmpty()) {
        throw new FormatException(
            folder.resolve("tokenizer_config.json"),
            key,
            "names \""
                + content.stringValue()
                + "\", which "
                + tokens.file()
                + " does not hold; take both files from one revision");
      }
      return id;
    }
    for (JsonNode other : others) {
      JsonNode ids = other.path(key + "_id");
      JsonNode first = ids.isArray() ? ids.path(0) : ids;
      if (first.isIntegralNumber() && first.canConvertToInt() && first.intValue() >= 0) {
        return OptionalInt.of(first.intValue());
      }
    }
    return OptionalInt.empty();
  }
}
