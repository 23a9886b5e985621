package dev.lorikeet.nano;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

class BpeTrainerTest {
  private static final int VOCABULARY = 2_048;

  @TempDir private static Path directory;

  private static BpeVocabulary vocabulary = new BpeVocabulary(List.of(), List.of());
  private static HuggingFaceTokenizer tokenizer;

  @BeforeAll
  static void learnAndLoad() throws IOException {
    vocabulary = BpeTrainer.train(documents(), VOCABULARY);
    vocabulary.write(directory, 512);
    tokenizer =
        HuggingFaceTokenizer.newInstance(
            directory.resolve("tokenizer.json"), Map.of("addSpecialTokens", "false"));
  }

  @AfterAll
  static void closeTokenizer() {
    tokenizer.close();
  }

  @Test
  void theMostFrequentPairIsMergedFirst() {
    BpeVocabulary small = BpeTrainer.train(Stream.of("abab abab abab cd cd"), 256 + 3 + 3);
    // " abab" twice and "abab" once: six times ab; then ab+ab three times; then the space's symbol.
    assertEquals(
        List.of(List.of("a", "b"), List.of("ab", "ab"), List.of("c", "d")), small.merges());
    assertEquals("cd", small.tokens().getLast());
  }

  @Test
  void theSameTextGivesTheSameFiles() {
    BpeVocabulary again = BpeTrainer.train(documents(), VOCABULARY);
    assertEquals(vocabulary.tokenizerJson(), again.tokenizerJson());
    assertEquals(vocabulary.tokenizerConfigJson(512), again.tokenizerConfigJson(512));
  }

  @Test
  void theVocabularyHoldsSpecialsThenAllBytesThenMerges() {
    assertEquals(VOCABULARY, vocabulary.tokens().size());
    assertEquals(BpeTrainer.SPECIALS, vocabulary.tokens().subList(0, 3));
    assertEquals(PreTokenizer.sortedAlphabet(), vocabulary.tokens().subList(3, 259));
    assertEquals(VOCABULARY, new HashSet<>(vocabulary.tokens()).size());
  }

  @Test
  void anyTextComesBackUnchanged() {
    var texts =
        Stream.concat(
            documents().limit(300),
            Stream.of(
                "Grüße, naïve façade — “quoted” 日本語 العربية 🙂👩‍🚀",
                "  two  spaces,\ttab\r\nline\n\n\nend ",
                "x²½Ⅷ٣ 1,234.56 \u00a0\u0000\u007f",
                "{\"a\":[1,2],\"b\":\"c\\n\"}"));
    texts.forEach(
        text -> assertEquals(text, tokenizer.decode(tokenizer.encode(text).getIds(), false)));
  }

  @Test
  void ourPreTokenizerCutsWhereTheLibraryCuts() {
    var preTokenizer = new PreTokenizer();
    for (String text :
        List.of("I'll pay 12 coins, it's No. 48213!", "a  b\n\n c 7", "order 4\t5 {\"x\":\"y\"}")) {
      String merged = String.join("", preTokenizer.pieces(text));
      assertEquals(merged, String.join("", tokenizer.encode(text).getTokens()));
      // Every token lies inside one piece.
      int token = 0;
      String[] tokens = tokenizer.encode(text).getTokens();
      for (String piece : preTokenizer.pieces(text)) {
        var joined = new StringBuilder();
        while (joined.length() < piece.length()) {
          joined.append(tokens[token++]);
        }
        assertEquals(piece, joined.toString());
      }
    }
  }

  @Test
  void digitsStandAlone() {
    String[] tokens = tokenizer.encode("order 48213").getTokens();
    assertEquals(
        List.of("4", "8", "2", "1", "3"),
        Arrays.asList(tokens).subList(tokens.length - 5, tokens.length));
    assertTrue(vocabulary.tokens().stream().noneMatch(token -> token.matches(".*\\d.+|.+\\d.*")));
  }

  @Test
  void theEndOfTextIsOneTokenWithIdZero() {
    long[] ids = tokenizer.encode("Hello." + BpeTrainer.END_OF_TEXT).getIds();
    assertEquals(0, ids[ids.length - 1]);
  }

  @Test
  void everyProductAndLabelIsOneTokenAfterASpace() {
    for (String list : List.of("item", "wishes")) {
      for (String word : TicketWriter.grammar().templates(list)) {
        assertTrue(vocabulary.tokens().contains("Ġ" + word), word);
      }
    }
  }

  @Test
  void ticketsAreShort() {
    var tickets = new Tickets(42);
    int longest = 0;
    long total = 0;
    for (Tickets.Row row : tickets.train()) {
      int tokens =
          tokenizer.encode(row.prompt()).getIds().length
              + tokenizer.encode(row.completion()).getIds().length
              + 1;
      longest = Math.max(longest, tokens);
      total += tokens;
    }
    assertTrue(longest <= 110, "longest " + longest);
    assertTrue(total / tickets.train().size() <= 80, "mean " + total / 1500.0);
  }

  @Test
  void documentsFitTheContext() {
    documents().forEach(text -> assertTrue(tokenizer.encode(text).getIds().length < 512, text));
  }

  @Test
  void theFilesAreCompleteJson() {
    var json = new ObjectMapper();
    JsonNode file = json.readTree(directory.resolve("tokenizer.json").toFile());
    assertEquals("BPE", file.at("/model/type").stringValue());
    assertEquals(VOCABULARY, file.at("/model/vocab").size());
    assertEquals("Digits", file.at("/pre_tokenizer/pretokenizers/0/type").stringValue());
    JsonNode config = json.readTree(directory.resolve("tokenizer_config.json").toFile());
    assertEquals(512, config.get("model_max_length").intValue());
    assertEquals(BpeTrainer.END_OF_TEXT, config.get("eos_token").stringValue());
  }

  @Test
  void aVocabularySmallerThanTheBytesIsRefused() {
    var refused =
        assertThrows(
            IllegalArgumentException.class, () -> BpeTrainer.train(Stream.of("text"), 200));
    assertEquals(
        "a byte-level vocabulary has at least 259 tokens (256 bytes and 3 specials), found 200",
        refused.getMessage());
  }

  private static Stream<String> documents() {
    var text = new NanoText(42);
    return LongStream.range(NanoText.WARM_UP, NanoText.WARM_UP + 12_000).mapToObj(text::document);
  }
}
