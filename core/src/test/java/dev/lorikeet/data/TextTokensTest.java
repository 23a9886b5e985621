package dev.lorikeet.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.lorikeet.tokenizer.HfTokenizer;
import dev.lorikeet.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A text in parts has the tokens of the whole. */
class TextTokensTest {
  private static final Path DATA = Path.of("../../shared/data");
  private static final Path TINY = Path.of("src/test/resources/dev/lorikeet/tokenizer/tiny");

  @TempDir private Path folder;

  @Test
  void partsOfAnyLengthGiveTheTokensOfTheWhole() throws IOException {
    Random random = new Random(7);
    StringBuilder text = new StringBuilder();
    while (text.length() < 6000) {
      text.append(
          switch (random.nextInt(6)) {
            case 0 -> "The lorikeet sang ";
            case 1 -> " ".repeat(random.nextInt(9));
            case 2 -> "é日本😀";
            case 3 -> "<|end|>";
            case 4 -> "\n\n";
            default -> Integer.toString(random.nextInt(100_000));
          });
    }
    try (Tokenizer tokenizer = HfTokenizer.open(TINY)) {
      for (int part : new int[] {200, 333, 1000, 5999, 6000, 100_000}) {
        assertSame(tokenizer, text.toString(), part, part / 4, "part " + part);
      }
    }
  }

  @Test
  void textsWithoutAnyPlaceToPartAreTakenWhole() throws IOException {
    try (Tokenizer tokenizer = HfTokenizer.open(TINY)) {
      assertSame(tokenizer, "aaaaaaaaaa".repeat(100), 64, 8, "one letter");
      assertSame(tokenizer, "", 64, 8, "nothing");
    }
  }

  @Test
  void publicTokenizersGiveTheSameToo() throws IOException {
    Path text = DATA.resolve("text/tinyshakespeare/input.txt");
    assumeTrue(Files.exists(text), "shared data is absent: " + text);
    String whole = Files.readString(text).substring(0, 150_000);
    Path gpt2 = Files.createDirectory(folder.resolve("gpt2"));
    Files.copy(DATA.resolve("tokenizers/gpt2/gpt2.tokenizer.json"), gpt2.resolve("tokenizer.json"));
    for (Path model :
        List.of(DATA.resolve("models/stories260K"), DATA.resolve("tokenizers/phi-3"), gpt2)) {
      try (Tokenizer tokenizer = HfTokenizer.open(model)) {
        assertSame(tokenizer, whole, 20_000, 2_000, model.toString());
      }
    }
  }

  private static void assertSame(
      Tokenizer tokenizer, String text, int part, int overlap, String why) throws IOException {
    IntStream.Builder ids = IntStream.builder();
    new TextTokens(tokenizer, part, overlap)
        .forEach(new StringReader(text), piece -> IntStream.of(piece).forEach(ids::add));
    int[] joined = ids.build().toArray();
    int[] whole = tokenizer.encode(text);
    assertEquals(whole.length, joined.length, why);
    assertArrayEquals(whole, joined, why);
  }
}
