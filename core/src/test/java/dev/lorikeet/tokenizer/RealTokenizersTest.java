package dev.lorikeet.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Published tokenizers give published ids; skipped where the shared data is absent. */
class RealTokenizersTest {
  private static final Path DATA = Path.of("../../shared/data");

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
    Path file = present(DATA.resolve("tokenizers/gpt2/gpt2.tokenizer.json"));
    Files.copy(file, folder.resolve("tokenizer.json"));
    try (Tokenizer tokenizer = HfTokenizer.open(folder)) {
      assertPublished(tokenizer, "gpt-2");
      assertEquals(50257, tokenizer.vocabSize());
    }
  }

  @Test
  void phi3GivesThePublishedIds() throws IOException {
    Path folder = present(DATA.resolve("tokenizers/phi-3"));
    try (Tokenizer tokenizer = HfTokenizer.open(folder)) {
      assertPublished(tokenizer, "phi-3");
      assertPublished(tokenizer, "llama-spm");
      // transformers 5.18: no BOS although add_bos_token is true, the post-processor decides.
      assertEquals(0, tokenizer.bosPrefix().length);
      assertEquals(OptionalInt.of(32000), tokenizer.eosId());
      assertEquals(32011, tokenizer.vocabSize());
    }
  }

  @Test
  void phi2CountsItsAddedTokens() {
    Path folder = present(DATA.resolve("tokenizers/phi-2"));
    try (Tokenizer tokenizer = HfTokenizer.open(folder)) {
      assertArrayEquals(new int[] {31373, 995}, tokenizer.encodeWithSpecials("hello world"));
      assertEquals(50295, tokenizer.vocabSize());
      assertEquals(OptionalInt.of(50256), tokenizer.eosId());
    }
  }

  private static void assertPublished(Tokenizer tokenizer, String name) throws IOException {
    Path folder = present(DATA.resolve("tokenizers/expected/llamacpp"));
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
    }
  }

  private static Path present(Path path) {
    assumeTrue(Files.exists(path), "shared data is absent: " + path);
    return path;
  }
}
