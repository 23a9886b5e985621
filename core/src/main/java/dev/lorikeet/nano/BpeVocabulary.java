package dev.lorikeet.nano;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * A byte-level BPE vocabulary, written as the two files of a Hugging Face tokenizer.
 *
 * @param tokens the tokens in the byte alphabet; a token's place is its id
 * @param merges the pairs in the order in which they are merged, two symbols each
 */
public record BpeVocabulary(List<String> tokens, List<List<String>> merges) {
  private static final ObjectMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  /** Keeps copies of the lists. */
  public BpeVocabulary {
    tokens = List.copyOf(tokens);
    merges = List.copyOf(merges);
  }

  /**
   * Writes {@code tokenizer.json} and {@code tokenizer_config.json} into the existing folder {@code
   * directory}, over older ones.
   *
   * @param contextLength the longest sequence of the model in tokens
   */
  public void write(Path directory, int contextLength) throws IOException {
    Files.writeString(directory.resolve("tokenizer.json"), tokenizerJson());
    Files.writeString(
        directory.resolve("tokenizer_config.json"), tokenizerConfigJson(contextLength));
  }

  /** The text of {@code tokenizer.json}: digits one by one, then byte-level BPE, as in SmolLM. */
  public String tokenizerJson() {
    Map<String, Object> byteLevel =
        ordered(
            "type",
            "ByteLevel",
            "add_prefix_space",
            false,
            "trim_offsets",
            true,
            "use_regex",
            true);
    Map<String, Object> preTokenizer =
        ordered(
            "type",
            "Sequence",
            "pretokenizers",
            List.of(ordered("type", "Digits", "individual_digits", true), byteLevel));
    return JSON.writeValueAsString(
            ordered(
                "version", "1.0",
                "truncation", JSON.nullNode(),
                "padding", JSON.nullNode(),
                "added_tokens", addedTokens(),
                "normalizer", JSON.nullNode(),
                "pre_tokenizer", preTokenizer,
                "post_processor", JSON.nullNode(),
                "decoder",
                    ordered(
                        "type",
                        "ByteLevel",
                        "add_prefix_space",
                        true,
                        "trim_offsets",
                        true,
                        "use_regex",
                        true),
                "model", model()))
        + "\n";
  }

  /** The text of {@code tokenizer_config.json}. */
  public String tokenizerConfigJson(int contextLength) {
    Map<String, Object> config =
        ordered(
            "add_prefix_space",
            false,
            "bos_token",
            BpeTrainer.END_OF_TEXT,
            "clean_up_tokenization_spaces",
            false,
            "eos_token",
            BpeTrainer.END_OF_TEXT,
            "model_max_length",
            contextLength,
            "pad_token",
            BpeTrainer.END_OF_TEXT,
            "tokenizer_class",
            "GPT2Tokenizer",
            "unk_token",
            BpeTrainer.END_OF_TEXT);
    return JSON.writeValueAsString(config) + "\n";
  }

  private static List<Object> addedTokens() {
    return BpeTrainer.SPECIALS.stream()
        .<Object>map(token ->
            ordered(
                "id", BpeTrainer.SPECIALS.indexOf(token),
                "content", token,
                "single_word", false,
                "lstrip", false,
                "rstrip", false,
                "normalized", false,
                "special", true))
        .toList();
  }

  private Map<String, Object> model() {
    var ids = new LinkedHashMap<String, Integer>();
    for (String token : tokens) {
      ids.put(token, ids.size());
    }
    return ordered(
        "type",
        "BPE",
        "dropout",
        JSON.nullNode(),
        "unk_token",
        JSON.nullNode(),
        "continuing_subword_prefix",
        JSON.nullNode(),
        "end_of_word_suffix",
        JSON.nullNode(),
        "fuse_unk",
        false,
        "byte_fallback",
        false,
        "ignore_merges",
        false,
        "vocab",
        ids,
        "merges",
        merges.stream().map(pair -> String.join(" ", pair)).toList());
  }

  private static Map<String, Object> ordered(Object... keysAndValues) {
    var map = new LinkedHashMap<String, Object>();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      map.put((String) keysAndValues[i], keysAndValues[i + 1]);
    }
    return map;
  }
}
