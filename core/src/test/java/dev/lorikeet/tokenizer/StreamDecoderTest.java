package dev.lorikeet.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StreamDecoderTest {
  private static final Path RESOURCES = Path.of("src/test/resources/dev/lorikeet/tokenizer");
  private static final String TEXT =
      "The tree, na\u00efve caf\u00e9 \u65e5\u672c\u8a9e \uD83E\uDD9C\uD83D\uDC68\u200D\uD83D\uDC69 end.\n  two  spaces";

  @ParameterizedTest
  @ValueSource(
      strings = {
        "tiny",
        "sentencepiece/llama",
        "sentencepiece/llama-legacy",
        "sentencepiece/gemma",
        "sentencepiece/own-unigram-bytes",
        "vocab_merges/gpt2",
        "vocab_merges/qwen2",
      })
  void partsAreWholeCharactersAndTogetherTheText(String folder) {
    try (Tokenizer tokenizer = HfTokenizer.open(RESOURCES.resolve(folder))) {
      int[] ids = tokenizer.encode(TEXT);
      String whole = tokenizer.decode(ids, SpecialTokens.SKIP);
      for (int start = 0; start < ids.length; start++) {
        int[] prompt = Arrays.copyOf(ids, start);
        String head = tokenizer.decode(prompt, SpecialTokens.SKIP);
        if (head.indexOf('\uFFFD') >= 0) {
          continue; // no text ends inside a character
        }
        StreamDecoder decoder = new StreamDecoder(tokenizer, prompt, SpecialTokens.SKIP);
        List<String> parts = new ArrayList<>();
        for (int i = start; i < ids.length; i++) {
          parts.add(decoder.next(ids[i]));
        }
        parts.add(decoder.end());
        assertEquals(whole, head + String.join("", parts), folder + " after " + start + " ids");
        parts.forEach(part -> assertTrue(isWhole(part), folder + ": " + part));
      }
    }
  }

  @Test
  void bytesThatNeverBecomeACharacterAreMarkedAtTheEnd() {
    try (Tokenizer tokenizer = HfTokenizer.open(RESOURCES.resolve("vocab_merges/gpt2"))) {
      int[] bird = tokenizer.encode("\uD83E\uDD9C");
      assertTrue(bird.length > 1, "the bird is no single token");
      StreamDecoder decoder = new StreamDecoder(tokenizer, new int[0], SpecialTokens.SKIP);
      assertEquals("", decoder.next(bird[0]));
      assertEquals("\uFFFD", decoder.end());

      StreamDecoder broken = new StreamDecoder(tokenizer, new int[0], SpecialTokens.SKIP);
      assertEquals("", broken.next(bird[0]));
      assertEquals("\uFFFDa", broken.next(tokenizer.encode("a")[0]));
      assertEquals("", broken.end());
    }
  }

  @Test
  void specialTokensThatAreLeftOutDoNotSwallowTheSpaceBehindThem() {
    try (Tokenizer tokenizer = HfTokenizer.open(RESOURCES.resolve("sentencepiece/llama"))) {
      int[] ids = tokenizer.encode("The</s> tree</s></s> sang");
      StreamDecoder decoder = new StreamDecoder(tokenizer, new int[0], SpecialTokens.SKIP);
      StringBuilder text = new StringBuilder();
      for (int id : ids) {
        text.append(decoder.next(id));
      }
      assertEquals("The tree sang", text.append(decoder.end()).toString());
      assertEquals("The tree sang", tokenizer.decode(ids, SpecialTokens.SKIP));
    }
  }

  private static boolean isWhole(String part) {
    assertFalse(part.indexOf('\uFFFD') >= 0, part);
    if (part.isEmpty()) {
      return true;
    }
    return !Character.isLowSurrogate(part.charAt(0))
        && !Character.isHighSurrogate(part.charAt(part.length() - 1));
  }
}
