package dev.lorikeet.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.DataException;
import dev.lorikeet.error.FormatException;
import dev.lorikeet.tokenizer.TokenizedText.Beginning;
import dev.lorikeet.tokenizer.Tokenizer.Additions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Against Hugging Face's Python library; {@code reference/make_tokenizer_fixture.py} made it. */
class HfTokenizerTest {
  private static final Path TINY = Path.of("src/test/resources/dev/lorikeet/tokenizer/tiny");

  @TempDir private Path folder;

  @Test
  void idsAndTextAreThoseOfHuggingFace() throws IOException {
    JsonNode expected =
        JsonMapper.shared().readTree(Files.readAllBytes(TINY.resolve("expected.json")));
    try (Tokenizer tokenizer = HfTokenizer.open(TINY)) {
      assertEquals(10, expected.path("cases").size());
      for (JsonNode example : expected.path("cases")) {
        String text = example.path("text").stringValue();
        int[] ids = ints(example.path("ids"));
        assertArrayEquals(ids, tokenizer.encode(text), text);
        assertArrayEquals(
            ints(example.path("ids_with_specials")), tokenizer.encodeWithSpecials(text), text);
        assertEquals(
            example.path("decoded_keep").stringValue(), tokenizer.decode(ids, SpecialTokens.KEEP));
        assertEquals(
            example.path("decoded_skip").stringValue(), tokenizer.decode(ids, SpecialTokens.SKIP));
      }
      assertEquals(expected.path("vocab_size").intValue(), tokenizer.vocabSize());
    }
  }

  @Test
  void aSequenceBeginsWithThePrefixOnce() {
    try (Tokenizer tokenizer = HfTokenizer.open(TINY)) {
      int[] ids = tokenizer.encode("The tree");
      int[] sequence = IntStream.concat(IntStream.of(0), IntStream.of(ids)).toArray();

      assertArrayEquals(sequence, tokenizer.encodeSequence("The tree"));
      assertArrayEquals(sequence, tokenizer.encodeSequence("<|begin|>The tree"));
      assertArrayEquals(new int[] {0}, tokenizer.encodeSequence(""));
    }
  }

  @Test
  void truncationAndPaddingOfTheFileAreOff() throws IOException {
    String file = Files.readString(TINY.resolve("tokenizer.json"));
    assertTrue(file.contains("\"max_length\": 16"), "the fixture truncates");
    assertTrue(file.contains("\"Fixed\": 16"), "the fixture pads");
    try (Tokenizer tokenizer = HfTokenizer.open(TINY)) {
      assertEquals(1, tokenizer.encode("a").length);
      assertTrue(tokenizer.encode("The lorikeet ".repeat(100)).length > 200);
    }
  }

  @Test
  void specialTokensComeFromTheConfigAsTextOrObject() {
    try (Tokenizer tokenizer = HfTokenizer.open(TINY)) {
      assertEquals(OptionalInt.of(0), tokenizer.bosId());
      assertEquals(OptionalInt.of(1), tokenizer.eosId());
      assertArrayEquals(new int[] {0}, tokenizer.bosPrefix());
    }
  }

  @Test
  void specialTokensFallBackToTheModelsConfigs() throws IOException {
    copyTiny();
    Files.writeString(folder.resolve("tokenizer_config.json"), "{\"eos_token\": null}");
    Files.writeString(folder.resolve("config.json"), "{\"eos_token_id\": [7, 8]}");
    Files.writeString(
        folder.resolve("generation_config.json"), "{\"eos_token_id\": 9, \"bos_token_id\": 5}");
    try (Tokenizer tokenizer = HfTokenizer.open(folder)) {
      assertEquals(OptionalInt.of(7), tokenizer.eosId());
      assertEquals(OptionalInt.of(5), tokenizer.bosId());
    }
    Files.delete(folder.resolve("tokenizer_config.json"));
    Files.delete(folder.resolve("config.json"));
    Files.delete(folder.resolve("generation_config.json"));
    try (Tokenizer tokenizer = HfTokenizer.open(folder)) {
      assertEquals(OptionalInt.empty(), tokenizer.eosId());
      assertEquals(OptionalInt.empty(), tokenizer.bosId());
      assertArrayEquals(new int[] {0}, tokenizer.bosPrefix(), "the post-processor decides");
    }
  }

  @Test
  void aPostProcessorWithoutBosAddsNone() throws IOException {
    copyTiny();
    Path file = folder.resolve("tokenizer.json");
    var root =
        (tools.jackson.databind.node.ObjectNode)
            JsonMapper.shared().readTree(Files.readAllBytes(file));
    root.putNull("post_processor");
    Files.writeString(file, root.toString());
    try (Tokenizer tokenizer = HfTokenizer.open(folder)) {
      assertEquals(0, tokenizer.bosPrefix().length);
      assertArrayEquals(tokenizer.encode("The tree"), tokenizer.encodeWithSpecials("The tree"));
      assertEquals(OptionalInt.of(0), tokenizer.bosId());
    }
  }

  @Test
  void halfASurrogatePairIsReplacedNotFatal() {
    try (Tokenizer tokenizer = HfTokenizer.open(TINY)) {
      assertArrayEquals(tokenizer.encode("a\uFFFDb"), tokenizer.encode("a\uD83Db"));
    }
  }

  @Test
  void placesCountUtf16() {
    try (Tokenizer tokenizer = HfTokenizer.open(TINY)) {
      String text = "a\uD83E\uDD9Cb";
      TokenizedText made = tokenizer.tokenize(text, Additions.OF_POLICY);
      assertArrayEquals(tokenizer.encodeWithSpecials(text), made.ids());
      assertEquals(new Token(0, "<|begin|>", 0, 0, Token.Kind.ADDED), made.tokens().getFirst());
      assertEquals("b", text.substring(made.tokens().getLast().start()));
      List<Token> bird = made.tokens().subList(2, made.tokens().size() - 1);
      assertTrue(bird.size() > 1, "the bird is no single token");
      bird.forEach(token -> assertEquals("1-3", token.start() + "-" + token.end()));

      TokenizedText half = tokenizer.tokenize("x\uD83Ey", Additions.NONE);
      assertEquals(2, half.tokens().getLast().start());
      assertEquals(3, half.tokens().getLast().end());
    }
  }

  @Test
  void aBeginningThatTheTextWritesOutIsSeenAndNotDoubled() {
    try (Tokenizer tokenizer = HfTokenizer.open(TINY)) {
      TokenizedText plain = tokenizer.tokenize("The tree", Additions.OF_POLICY);
      TokenizedText written = tokenizer.tokenize("<|begin|>The tree", Additions.OF_POLICY);
      TokenizedText doubled = tokenizer.tokenize("<|begin|><|begin|>The", Additions.OF_POLICY);

      assertEquals(Beginning.PLAIN, plain.beginning());
      assertEquals(Beginning.WRITTEN_OUT, written.beginning());
      assertEquals(Beginning.DOUBLED, doubled.beginning());
      assertArrayEquals(plain.ids(), written.ids());
      assertEquals(
          new Token(0, "<|begin|>", 0, 9, Token.Kind.SPECIAL), written.tokens().getFirst());
      assertEquals(2, doubled.count(Token.Kind.SPECIAL));
      assertEquals(0, doubled.count(Token.Kind.ADDED));
      // What Hugging Face does with the same text.
      assertEquals(
          written.ids().length + 1, tokenizer.encodeWithSpecials("<|begin|>The tree").length);
    }
  }

  @Test
  void theKindIsThatOfTheFile() {
    try (Tokenizer tokenizer = HfTokenizer.open(TINY)) {
      assertEquals(new TokenizerKind("BPE", "tokenizer.json"), tokenizer.kind());
      assertEquals("BPE from tokenizer.json", tokenizer.kind().toString());
    }
  }

  @Test
  void hashIsThatOfTheFile() throws Exception {
    byte[] digest =
        MessageDigest.getInstance("SHA-256")
            .digest(Files.readAllBytes(TINY.resolve("tokenizer.json")));
    try (Tokenizer tokenizer = HfTokenizer.open(TINY)) {
      assertEquals(HexFormat.of().formatHex(digest), tokenizer.sha256());
    }
  }

  @Test
  void idsBeyondTheEmbeddingNameTokenizerIdTextAndRows() {
    try (Tokenizer tokenizer = HfTokenizer.open(TINY)) {
      int[] ids = tokenizer.encode("the <note>");
      tokenizer.requireWithin(ids, 301);
      DataException e = assertThrows(DataException.class, () -> tokenizer.requireWithin(ids, 300));
      assertEquals(
          "tokenizer "
              + TINY.resolve("tokenizer.json")
              + " gives id 300 for \"<note>\", but the model's embedding has 300 rows (ids 0 to"
              + " 299). Tokenizer and weights come from different revisions, or a token was added"
              + " without enlarging the embedding; take both from one revision.",
          e.getMessage());
    }
  }

  @Test
  void idsBehindTheVocabularyHaveNoText() {
    // As the tokenizers library decodes them; embeddings are often padded to a round size.
    try (Tokenizer tokenizer = HfTokenizer.open(TINY)) {
      int[] ids = tokenizer.encode("two words");
      int[] padded = IntStream.concat(IntStream.of(ids), IntStream.of(301, 4000)).toArray();
      assertEquals("two words", tokenizer.decode(padded, SpecialTokens.KEEP));
      assertThrows(
          IllegalArgumentException.class,
          () -> tokenizer.decode(new int[] {-1}, SpecialTokens.KEEP));
    }
  }

  @Test
  void aMissingFileIsNamed() {
    assertRefused(
        "tokenizer.json: does not exist, nor does tokenizer.model, or vocab.json with merges.txt;"
            + " a checkpoint needs the tokenizer of its Hugging Face repository");
  }

  @Test
  void aTruncatedFileIsNamedWithTheByte() throws IOException {
    byte[] whole = Files.readAllBytes(TINY.resolve("tokenizer.json"));
    Files.write(folder.resolve("tokenizer.json"), Arrays.copyOf(whole, 5000));
    assertRefused("tokenizer.json: is not valid JSON at byte 5000");
    Files.write(folder.resolve("tokenizer.json"), new byte[0]);
    assertRefused("tokenizer.json: is not a JSON object");
  }

  @Test
  void jsonOfAnotherKindIsRefused() throws IOException {
    Files.writeString(folder.resolve("tokenizer.json"), "{\"model\": {\"vocab\": {}}}");
    assertRefused("holds no vocabulary (model.vocab); it is not a tokenizer.json");
    Files.writeString(
        folder.resolve("tokenizer.json"),
        "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}}}");
    assertRefused("tokenizer.json: the tokenizers library refuses it: ");
    Files.writeString(
        folder.resolve("tokenizer.json"), "{\"model\": {\"vocab\": {\"a\": \"zero\"}}}");
    assertRefused("tokenizer.json: is not valid JSON at byte ");
  }

  @Test
  void aTemplateWithAnUndefinedTokenIsRefusedBeforeItEndsTheProcess() throws IOException {
    String file = Files.readString(TINY.resolve("tokenizer.json"));
    String damaged = file.replaceFirst("\"id\": \"<\\|begin\\|>\"", "\"id\": \"<|gone|>\"");
    assertFalse(file.equals(damaged));
    Files.writeString(folder.resolve("tokenizer.json"), damaged);
    assertRefused("post_processor: uses \"<|gone|>\", which its special_tokens do not define");
  }

  @Test
  void configsThatContradictTheTokenizerAreRefused() throws IOException {
    copyTiny();
    Path config = folder.resolve("tokenizer_config.json");
    Files.writeString(config, "{\"eos_token\": \"</s>\"}");
    assertRefused("tokenizer_config.json, eos_token: names \"</s>\", which ");
    Files.writeString(config, "{\"eos_token\": ");
    assertRefused("tokenizer_config.json: is not valid JSON: ");
  }

  private void assertRefused(String expected) {
    FormatException e = assertThrows(FormatException.class, () -> HfTokenizer.open(folder).close());
    assertTrue(String.valueOf(e.getMessage()).contains(expected), e.getMessage());
  }

  private void copyTiny() throws IOException {
    for (String name : new String[] {"tokenizer.json", "tokenizer_config.json"}) {
      Files.copy(TINY.resolve(name), folder.resolve(name));
    }
  }

  private static int[] ints(JsonNode array) {
    return IntStream.range(0, array.size()).map(i -> array.path(i).intValue()).toArray();
  }
}
