package dev.lorikeet.tokenizer;

import dev.lorikeet.error.FormatException;
import dev.lorikeet.format.Gguf;
import java.util.List;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/**
 * How a byte-level tokenizer of a GGUF file cuts text into words: {@code tokenizer.ggml.pre}, whose
 * names llama.cpp gives (llama-vocab.cpp). The steps are those of the models' own tokenizer.json.
 */
enum GgufWords {
  GPT2,
  QWEN2,
  STABLELM2,
  LLAMA3,
  SMOLLM,
  FALCON,
  DEFAULT,
  GPT4O;

  private static final String KEY = "tokenizer.ggml.pre";
  private static final String ENDINGS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)?";
  private static final String UPPER = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]";
  private static final String LOWER = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";
  private static final String GPT4O_WORDS =
      "[^\\r\\n\\p{L}\\p{N}]?"
          + UPPER
          + "*"
          + LOWER
          + "+"
          + ENDINGS
          + "|[^\\r\\n\\p{L}\\p{N}]?"
          + UPPER
          + "+"
          + LOWER
          + "*"
          + ENDINGS
          + "|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

  /**
   * The words of {@code file}.
   *
   * @throws FormatException if it says none, or one that is not known
   */
  static GgufWords of(Gguf file) {
    String pre = file.string(KEY).orElse("");
    return switch (pre) {
      case "gpt-2", "phi-2", "olmo", "mpt" -> GPT2;
      case "qwen2", "deepseek-r1-qwen", "megrez" -> QWEN2;
      case "stablelm2" -> STABLELM2;
      case "llama-bpe", "llama3", "llama-v3" -> LLAMA3;
      case "smollm" -> SMOLLM;
      case "falcon" -> FALCON;
      case "default" -> DEFAULT;
      case "gpt-4o" -> GPT4O;
      default ->
          throw new FormatException(
              file.file(),
              KEY,
              (pre.isEmpty()
                      ? "is missing, so that nothing says how text is cut into words"
                      : "is " + pre + ", and how that cuts text into words is not known")
                  + "; known are gpt-2, phi-2, olmo, qwen2, stablelm2, llama-bpe, smollm, falcon,"
                  + " default and gpt-4o. Convert the model again with a present llama.cpp, or use its"
                  + " safetensors checkpoint.");
    };
  }

  /** Whether llama.cpp puts BOS in front of texts where {@code add_bos_token} says nothing. */
  static boolean beginsByDefault(String pre) {
    return Set.of("llama-bpe", "llama3", "llama-v3").contains(pre);
  }

  /** What happens to the text before. */
  JsonNode normalizer() {
    return this == QWEN2 ? JsonSteps.nfc() : JsonSteps.none();
  }

  /** Cuts the text. */
  JsonNode preTokenizer() {
    return switch (this) {
      case GPT2 -> JsonSteps.byteLevel(false, true);
      case QWEN2, STABLELM2 -> split(VocabAndMerges.QWEN2);
      case LLAMA3 -> split(VocabAndMerges.LLAMA3);
      case GPT4O -> split(GPT4O_WORDS);
      case SMOLLM -> steps(JsonSteps.splitMatches("\\p{N}"), JsonSteps.byteLevel(false, true));
      case FALCON -> numbersInThrees("[\\p{P}\\$\\+<=>\\^~\\|`]+");
      case DEFAULT -> numbersInThrees("[\\p{P}\\$\\+<=>\\^~\\|]+");
    };
  }

  private static JsonNode numbersInThrees(String marks) {
    return steps(
        JsonSteps.splitMatches(marks),
        JsonSteps.byteLevel(false, true),
        JsonSteps.splitMatches("\\p{N}+"),
        JsonSteps.splitMatches("[0-9][0-9][0-9]"));
  }

  private static JsonNode split(String expression) {
    return steps(JsonSteps.splitMatches(expression), JsonSteps.byteLevel(false, false));
  }

  private static JsonNode steps(JsonNode... steps) {
    return JsonSteps.sequence("pretokenizers", List.of(steps));
  }
}
