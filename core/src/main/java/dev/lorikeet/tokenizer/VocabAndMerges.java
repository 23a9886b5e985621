package dev.lorikeet.tokenizer;

import dev.lorikeet.error.FormatException;
import dev.lorikeet.tokenizer.TokenizerJson.Bpe;
import dev.lorikeet.tokenizer.TokenizerJson.Fallback;
import dev.lorikeet.tokenizer.TokenizerJson.Merge;
import dev.lorikeet.tokenizer.TokenizerJson.Steps;
import dev.lorikeet.tokenizer.TokenizerJson.WholeWords;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/**
 * Makes a {@code tokenizer.json} of GPT-2's two files: {@code vocab.json}, an object token → id,
 * and {@code merges.txt}, two tokens a line that become one, the first the earliest. A line that
 * begins with {@code #version} says nothing.
 *
 * <p>How text is cut into words stands in neither; the tokenizer's class says it, or for a class of
 * any tokenizer the {@code model_type} of {@code config.json}.
 */
final class VocabAndMerges {
  static final String VOCABULARY = "vocab.json";
  static final String MERGES = "merges.txt";

  static final String QWEN2 =
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|"
          + " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
  static final String LLAMA3 = QWEN2.replace("|\\p{N}|", "|\\p{N}{1,3}|");

  /** Special by the classes' own defaults, where the vocabulary holds them. */
  private static final List<String> DEFAULT_SPECIALS = List.of("<|endoftext|>", "<|padding|>");

  private VocabAndMerges() {}

  /** How text is cut into words. */
  private enum Words {
    GPT2,
    GPT_NEOX,
    QWEN2,
    LLAMA3
  }

  /**
   * The bytes of the {@code tokenizer.json}.
   *
   * @throws FormatException if a file is damaged, contradicts another one, or names a class that
   *     Lorikeet does not know
   */
  static byte[] convert(Path folder, TokenizerConfig config) {
    Words words = words(config);
    Map<String, Integer> vocabulary = vocabulary(folder.resolve(VOCABULARY));
    List<Merge> merges = merges(folder.resolve(MERGES), vocabulary);
    AddedTokens added = new AddedTokens(vocabulary);
    config.addTo(added);
    if (words != Words.LLAMA3) {
      DEFAULT_SPECIALS.forEach(added::mark);
    }
    Steps steps =
        new Steps(
            words == Words.GPT2 || words == Words.LLAMA3 ? JsonSteps.none() : JsonSteps.nfc(),
            preTokenizer(words, config),
            postProcessor(config, added),
            JsonSteps.byteLevel(true, true));
    WholeWords whole = words == Words.LLAMA3 ? WholeWords.TAKEN : WholeWords.MERGED;
    Bpe model = new Bpe(vocabulary, merges, Optional.empty(), Fallback.NONE, whole);
    return TokenizerJson.write(added, steps, model);
  }

  private static Words words(TokenizerConfig config) {
    String name = config.tokenizerClass().orElse("");
    return switch (name) {
      case "GPT2Tokenizer", "CodeGenTokenizer" -> Words.GPT2;
      case "GPTNeoXTokenizer" -> Words.GPT_NEOX;
      case "Qwen2Tokenizer" -> Words.QWEN2;
      case "", "PreTrainedTokenizer", "TokenizersBackend" -> wordsOfModel(config);
      default ->
          throw new FormatException(
              config.file(),
              "tokenizer_class",
              "is "
                  + name
                  + ", and how it cuts text into words is not known; known are GPT2Tokenizer,"
                  + " CodeGenTokenizer, GPTNeoXTokenizer, Qwen2Tokenizer and"
                  + " PreTrainedTokenizerFast. Save the tokenizer with transformers"
                  + " (AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR)) and use the"
                  + " tokenizer.json that it writes.");
    };
  }

  private static Words wordsOfModel(TokenizerConfig config) {
    String type = config.modelType().orElse("");
    return switch (type) {
      case "gpt2", "phi" -> Words.GPT2;
      case "gpt_neox" -> Words.GPT_NEOX;
      case "qwen2", "qwen3" -> Words.QWEN2;
      case "llama" -> Words.LLAMA3;
      default ->
          throw new FormatException(
              config.file(),
              "tokenizer_class",
              "names no class that says how text is cut into words, and neither does"
                  + (type.isEmpty() ? " a config.json" : " model_type " + type + " of config.json")
                  + ". Use a tokenizer.json, or name the class (GPT2Tokenizer, GPTNeoXTokenizer,"
                  + " Qwen2Tokenizer).");
    };
  }

  private static Map<String, Integer> vocabulary(Path file) {
    JsonNode json = TokenizerConfig.json(file);
    if (!json.isObject() || json.isEmpty()) {
      throw new FormatException(file, "is no JSON object of tokens and their ids");
    }
    Map<String, Integer> vocabulary = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : json.properties()) {
      JsonNode id = entry.getValue();
      if (!id.isIntegralNumber() || !id.canConvertToInt() || id.intValue() < 0) {
        throw new FormatException(
            file, "\"" + entry.getKey() + "\"", "has the id " + id + ", expected a whole number");
      }
      vocabulary.put(entry.getKey(), id.intValue());
    }
    return vocabulary;
  }

  private static List<Merge> merges(Path file, Map<String, Integer> vocabulary) {
    List<Merge> merges = new ArrayList<>();
    List<String> lines;
    try {
      lines = Files.readString(file).lines().toList();
    } catch (IOException e) {
      throw new FormatException(file, "cannot be read as UTF-8 text: " + e, e);
    }
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i);
      if (line.startsWith("#version") || (line.isEmpty() && i == lines.size() - 1)) {
        continue;
      }
      String[] parts = line.split(" ", -1);
      if (parts.length != 2) {
        throw new FormatException(
            file,
            "line " + (i + 1),
            "is \"" + line + "\", expected two tokens and a space between");
      }
      for (String token : List.of(parts[0], parts[1], parts[0] + parts[1])) {
        if (!vocabulary.containsKey(token)) {
          throw new FormatException(
              file,
              "line " + (i + 1),
              "needs the token \""
                  + token
                  + "\", which "
                  + VOCABULARY
                  + " does not hold; take both files from one revision");
        }
      }
      merges.add(new Merge(parts[0], parts[1]));
    }
    return merges;
  }

  private static JsonNode preTokenizer(Words words, TokenizerConfig config) {
    boolean prefix = config.isOn("add_prefix_space");
    return switch (words) {
      case GPT2, GPT_NEOX -> JsonSteps.byteLevel(prefix, true);
      case QWEN2 -> split(QWEN2, prefix);
      case LLAMA3 -> split(LLAMA3, prefix);
    };
  }

  private static JsonNode split(String expression, boolean prefix) {
    return JsonSteps.sequence(
        "pretokenizers",
        List.of(JsonSteps.splitMatches(expression), JsonSteps.byteLevel(prefix, false)));
  }

  private static JsonNode postProcessor(TokenizerConfig config, AddedTokens added) {
    List<String> front = config.isOn("add_bos_token") ? named(config, "bos_token") : List.of();
    List<String> behind = config.isOn("add_eos_token") ? named(config, "eos_token") : List.of();
    return JsonSteps.template(front, behind, added);
  }

  private static List<String> named(TokenizerConfig config, String name) {
    return config.token(name).stream().toList();
  }
}
