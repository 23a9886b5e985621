package dev.lorikeet.tokenizer;

import dev.lorikeet.error.FormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.MissingNode;

/**
 * Which tokens begin and end a sequence, as the files beside a tokenizer say.
 *
 * <p>A token named in {@code tokenizer_config.json} ({@code eos_token}: a text or an object with
 * {@code content}) is trusted first, then the id in {@code config.json}, then the one in {@code
 * generation_config.json} ({@code eos_token_id}: a number or a list, of which the first counts).
 * Like transformers 5, {@code add_bos_token} or {@code add_eos_token} in {@code
 * tokenizer_config.json} replace the policy of {@code tokenizer.json}'s own post-processor; a flag
 * that is not given then means false.
 *
 * @param bosId token that begins a sequence
 * @param eosId token that ends a sequence
 * @param flags what replaces the post-processor, if anything does
 */
record SequencePolicy(OptionalInt bosId, OptionalInt eosId, Optional<Flags> flags) {

  /**
   * What is added to a sequence.
   *
   * @param prefix in front
   * @param suffix behind
   */
  record Flags(OptionalInt prefix, OptionalInt suffix) {}

  /** Reads the policy in {@code folder}; files that do not exist say nothing. */
  static SequencePolicy read(Path folder, TokenizerFile tokens) {
    JsonNode config = json(folder.resolve("tokenizer_config.json"));
    JsonNode model = json(folder.resolve("config.json"));
    JsonNode generation = json(folder.resolve("generation_config.json"));
    OptionalInt bos = id("bos_token", folder, tokens, config, model, generation);
    OptionalInt eos = id("eos_token", folder, tokens, config, model, generation);
    Optional<Flags> flags = Optional.empty();
    if (config.has("add_bos_token") || config.has("add_eos_token")) {
      flags =
          Optional.of(
              new Flags(
                  config.path("add_bos_token").asBoolean(false) ? bos : OptionalInt.empty(),
                  config.path("add_eos_token").asBoolean(false) ? eos : OptionalInt.empty()));
    }
    return new SequencePolicy(bos, eos, flags);
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

  private static JsonNode json(Path file) {
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
}
