package dev.lorikeet.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.lorikeet.tokenizer.Tokenizer.Additions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Published tokenizers give published ids; skipped where the shared data is absent. {@link
 * #everyExpectedFileIsCheckedOrHasNoTokenizer} lists which files are checked with which tokenizer.
 */
class RealTokenizersTest {
  private static final Path DATA = Path.of("../../shared/data");
  private static final Path TOKENIZERS = DATA.resolve("tokenizers");
  private static final Path EXPECTED = TOKENIZERS.resolve("expected");

  /** Expected files, and entries of tokenizer_tests.json, that a tokenizer is there for. */
  private static final Set<String> CHECKED =
      Set.of(
          // gpt2; distilgpt2 has the same vocabulary, and whisper's English one between its marks.
          "gpt2_encoded_tokens.json",
          "llamacpp/gpt-2",
          "tokenizer_tests.json/distilgpt2",
          "tokenizer_tests.json/openai/whisper-tiny.en",
          // phi-3, whose vocabulary begins with Llama 2's.
          "llama_encoded.json",
          "llamacpp/phi-3",
          "llamacpp/llama-spm",
          "tokenizer_tests.json/coreml-projects/Llama-2-7b-chat-coreml",
          // llama-3.2, from its vocabulary and merges.
          "llama_3.2_encoded.json",
          "llamacpp/llama-bpe",
          "tokenizer_tests.json/pcuenq/Llama-3.2-1B-Instruct-tokenizer");

  /** Those whose vocabulary is not among the data. */
  private static final Set<String> NO_TOKENIZER =
      Set.of(
          "falcon_encoded.json",
          "gemma_encoded.json",
          "t5_base_encoded.json",
          "llamacpp/bert-bge",
          "llamacpp/chameleon",
          "llamacpp/command-r",
          "llamacpp/deepseek-coder",
          "llamacpp/deepseek-llm",
          "llamacpp/deepseek-r1-qwen",
          "llamacpp/falcon",
          "llamacpp/mpt",
          "llamacpp/qwen2",
          "llamacpp/refact",
          "llamacpp/roberta-bpe",
          "llamacpp/starcoder",
          "tokenizer_tests.json/bert-base-uncased",
          "tokenizer_tests.json/distilbert/distilbert-base-multilingual-cased",
          "tokenizer_tests.json/google-bert/bert-base-uncased",
          "tokenizer_tests.json/openai/whisper-large-v2",
          "tokenizer_tests.json/pcuenq/gemma-tokenizer",
          "tokenizer_tests.json/t5-base",
          "tokenizer_tests.json/tiiuae/falcon-7b");

  @Test
  void everyExpectedFileIsCheckedOrHasNoTokenizer() throws IOException {
    present(EXPECTED);
    Set<String> there = new TreeSet<>();
    try (Stream<Path> files = Files.walk(EXPECTED)) {
      files
          .filter(Files::isRegularFile)
          .map(file -> EXPECTED.relativize(file).toString().replace('\\', '/'))
          .filter(name -> !name.endsWith(".inp"))
          .map(name -> name.replace("ggml-vocab-", "").replace(".gguf.out", ""))
          .forEach(there::add);
    }
    there.remove("tokenizer_tests.json");
    json(EXPECTED.resolve("tokenizer_tests.json"))
        .propertyNames()
        .forEach(name -> there.add("tokenizer_tests.json/" + name));
    Set<String> listed = new TreeSet<>(CHECKED);
    listed.addAll(NO_TOKENIZER);
    assertEquals(listed, there);
  }

  @Test
  void stories260kGivesThePublishedIds() {
    Path folder = present(DATA.resolve("models/stories260K"));
    try (Tokenizer tokenizer = HfTokenizer.open(folder)) {
      int[] ids = {1, 403, 407, 261, 378, 432, 383, 286, 261, 376, 298, 315, 421, 395, 317, 426};
      String text = "Once upon a time, there was a little girl named Lily.";
      assertArrayEquals(ids, tokenizer.encodeWithSpecials(text));
      assertEquals(text, tokenizer.decode(ids, SpecialTokens.SKIP));
      assertEquals(OptionalInt.of(1), tokenizer.bosId());
      assertEquals(OptionalInt.of(2), tokenizer.eosId());
      assertEquals(512, tokenizer.vocabSize());
    }
  }

  @Test
  void gpt2GivesThePublishedIds(@TempDir Path folder) throws IOException {
    Path file = present(TOKENIZERS.resolve("gpt2/gpt2.tokenizer.json"));
    Files.copy(file, folder.resolve("tokenizer.json"));
    try (Tokenizer tokenizer = HfTokenizer.open(folder)) {
      assertPublished(tokenizer, "gpt-2");
      assertEncoded(tokenizer, "gpt2_encoded_tokens.json", Beginning.NONE);
      assertTests(tokenizer, "distilgpt2", Beginning.NONE);
      assertTests(tokenizer, "openai/whisper-tiny.en", Beginning.MARKS);
      assertEquals(50257, tokenizer.vocabSize());
    }
  }

  @Test
  void phi3GivesThePublishedIds() throws IOException {
    Path folder = present(TOKENIZERS.resolve("phi-3"));
    try (Tokenizer tokenizer = HfTokenizer.open(folder)) {
      assertPublished(tokenizer, "phi-3");
      assertPublished(tokenizer, "llama-spm");
      assertEncoded(tokenizer, "llama_encoded.json", Beginning.ONE_TOKEN);
      assertTests(tokenizer, "coreml-projects/Llama-2-7b-chat-coreml", Beginning.ONE_TOKEN);
      // transformers 5.18: no BOS although add_bos_token is true, the post-processor decides.
      assertEquals(0, tokenizer.bosPrefix().length);
      assertEquals(OptionalInt.of(32000), tokenizer.eosId());
      assertEquals(32011, tokenizer.vocabSize());
    }
  }

  /**
   * Llama 2's pieces as a SentencePiece model, converted back. Scores are not among the data; the
   * published merges say that they fall with the ids, and that runs of spaces have the lowest.
   */
  @Test
  void llama2sPiecesBecomeItsPublishedMergesAndIds(@TempDir Path folder) throws IOException {
    Path source = present(TOKENIZERS.resolve("phi-3"));
    JsonNode published = json(source.resolve("tokenizer.json")).path("model");
    ModelBytes model = new ModelBytes();
    published.path("vocab").properties().stream()
        .sorted(Comparator.comparingInt(entry -> entry.getValue().intValue()))
        .forEach(entry -> {
          int id = entry.getValue().intValue();
          String piece = entry.getKey();
          int type = id == 0 ? 2 : id < 3 ? 3 : id < 259 ? 6 : 1;
          float score = piece.matches("\u2581+") ? -1e9f : Math.min(0, 259 - id);
          model.piece(piece, score, type);
        });
    model.message(2, new ModelBytes().number(3, 2).number(35, 1));
    model.message(3, new ModelBytes().number(3, 1).number(4, 0));
    Files.write(folder.resolve("tokenizer.model"), model.toBytes());
    Files.writeString(
        folder.resolve("tokenizer_config.json"),
        "{\"tokenizer_class\": \"LlamaTokenizer\", \"legacy\": true, \"add_bos_token\": true}");

    JsonNode made = JsonMapper.shared().readTree(TokenizerFile.of(folder).bytes()).path("model");
    assertEquals(61249, made.path("merges").size());
    for (int i = 0; i < 61249; i++) {
      assertEquals(
          published.path("merges").path(i).stringValue(),
          made.path("merges").path(i).path(0).stringValue()
              + " "
              + made.path("merges").path(i).path(1).stringValue(),
          "merge " + i);
    }
    try (Tokenizer tokenizer = HfTokenizer.open(folder)) {
      assertPublished(tokenizer, "llama-spm");
      assertEncoded(tokenizer, "llama_encoded.json", Beginning.OF_POLICY);
      assertTests(tokenizer, "coreml-projects/Llama-2-7b-chat-coreml", Beginning.OF_POLICY);
    }
  }

  @Test
  void llama3GivesThePublishedIdsFromItsVocabularyAndMerges(@TempDir Path folder)
      throws IOException {
    Path source = present(TOKENIZERS.resolve("llama-3.2"));
    Files.copy(source.resolve("llama3.2.encoder.json"), folder.resolve("vocab.json"));
    Files.copy(source.resolve("llama3.2.vocab.bpe"), folder.resolve("merges.txt"));
    Files.writeString(folder.resolve("config.json"), "{\"model_type\": \"llama\"}");
    Files.writeString(
        folder.resolve("tokenizer_config.json"),
        """
        {"tokenizer_class": "PreTrainedTokenizerFast", "add_bos_token": true,
         "bos_token": "<|begin_of_text|>", "eos_token": "<|end_of_text|>",
         "added_tokens_decoder": {
           "128000": {"content": "<|begin_of_text|>", "special": true},
           "128001": {"content": "<|end_of_text|>", "special": true}}}
        """);
    try (Tokenizer tokenizer = HfTokenizer.open(folder)) {
      assertPublished(tokenizer, "llama-bpe");
      assertEncoded(tokenizer, "llama_3.2_encoded.json", Beginning.OF_POLICY);
      assertTests(tokenizer, "pcuenq/Llama-3.2-1B-Instruct-tokenizer", Beginning.OF_POLICY);
      assertArrayEquals(new int[] {128000}, tokenizer.bosPrefix());
      assertEquals("BPE from vocab.json and merges.txt", tokenizer.kind().toString());
    }
  }

  @Test
  void phi2CountsItsAddedTokens() {
    Path folder = present(TOKENIZERS.resolve("phi-2"));
    try (Tokenizer tokenizer = HfTokenizer.open(folder)) {
      assertArrayEquals(new int[] {31373, 995}, tokenizer.encodeWithSpecials("hello world"));
      // 50284 is four spaces, an added token.
      assertArrayEquals(
          new int[] {31373, 50284, 87}, tokenizer.encode("hello" + " ".repeat(4) + "x"));
      assertEquals(50295, tokenizer.vocabSize());
      assertEquals(OptionalInt.of(50256), tokenizer.eosId());
    }
  }

  /** What the published ids begin with. */
  private enum Beginning {
    /** The text. */
    NONE,
    /** What the tokenizer puts in front. */
    OF_POLICY,
    /** A token that this tokenizer does not put there, though the one of the file did. */
    ONE_TOKEN,
    /** Two such tokens, and one behind the text. */
    MARKS
  }

  private static int[] encode(Tokenizer tokenizer, String text, Beginning beginning) {
    return beginning == Beginning.OF_POLICY
        ? tokenizer.encodeWithSpecials(text)
        : tokenizer.encode(text);
  }

  private static int[] published(JsonNode ids, Beginning beginning) {
    int first =
        switch (beginning) {
          case NONE, OF_POLICY -> 0;
          case ONE_TOKEN -> 1;
          case MARKS -> 2;
        };
    int end = ids.size() - (beginning == Beginning.MARKS ? 1 : 0);
    return IntStream.range(first, end).map(i -> ids.path(i).intValue()).toArray();
  }

  /** A text with its ids and pieces. */
  private static void assertEncoded(Tokenizer tokenizer, String file, Beginning beginning)
      throws IOException {
    JsonNode expected = json(present(EXPECTED.resolve(file)));
    String text = expected.path("text").stringValue();
    assertArrayEquals(
        published(expected.path("token_ids"), beginning), encode(tokenizer, text, beginning), file);
    List<Token> tokens = tokenizer.tokenize(text, Additions.NONE).tokens();
    assertEquals(
        expected.path("bpe_tokens").valueStream().map(JsonNode::stringValue).toList(),
        tokens.stream().map(Token::piece).toList(),
        file);
    assertPlacesCover(text, tokens);
  }

  private static void assertTests(Tokenizer tokenizer, String name, Beginning beginning)
      throws IOException {
    JsonNode cases = json(present(EXPECTED.resolve("tokenizer_tests.json"))).path(name);
    assertTrue(cases.size() >= 18, name);
    for (JsonNode example : cases) {
      String text = example.path("input").stringValue();
      assertArrayEquals(
          published(example.path("encoded").path("input_ids"), beginning),
          encode(tokenizer, text, beginning),
          name + ": " + text);
    }
  }

  private static void assertPublished(Tokenizer tokenizer, String name) throws IOException {
    Path folder = present(EXPECTED.resolve("llamacpp"));
    List<String> texts =
        List.of(
            Files.readString(folder.resolve("ggml-vocab-" + name + ".gguf.inp"))
                .split("\n__ggml_vocab_test__\n", -1));
    List<String> ids = Files.readAllLines(folder.resolve("ggml-vocab-" + name + ".gguf.out"));
    assertEquals(46, ids.size());
    for (int i = 0; i < ids.size(); i++) {
      int[] expected =
          Arrays.stream(ids.get(i).split(" ", -1))
              .filter(id -> !id.isEmpty())
              .mapToInt(Integer::parseInt)
              .toArray();
      assertArrayEquals(expected, tokenizer.encode(texts.get(i)), name + " text " + i);
      assertPlacesCover(texts.get(i), tokenizer.tokenize(texts.get(i), Additions.NONE).tokens());
    }
  }

  /** Every character belongs to a token, and tokens stand in the order of the text. */
  private static void assertPlacesCover(String text, List<Token> tokens) {
    int covered = 0;
    for (Token token : tokens) {
      assertTrue(token.start() <= covered, text + ": nothing covers " + covered);
      covered = Math.max(covered, token.end());
    }
    assertEquals(text.length(), covered, text);
    assertEquals(
        tokens.stream().sorted(Comparator.comparingInt(Token::start)).toList(), tokens, text);
    assertFalse(
        tokens.stream()
            .anyMatch(token ->
                token.start() > 0
                    && token.start() < text.length()
                    && Character.isLowSurrogate(text.charAt(token.start()))),
        text);
  }

  private static JsonNode json(Path file) throws IOException {
    return JsonMapper.shared().readTree(Files.readAllBytes(file));
  }

  private static Path present(Path path) {
    assumeTrue(Files.exists(path), "shared data is absent: " + path);
    return path;
  }
}
