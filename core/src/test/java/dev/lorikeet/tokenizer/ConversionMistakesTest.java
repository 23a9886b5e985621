package dev.lorikeet.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.FormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Folders that cannot be converted, and what decides where files disagree. */
class ConversionMistakesTest {
  private static final Path RESOURCES = Path.of("src/test/resources/dev/lorikeet/tokenizer");

  @TempDir private Path folder;

  @Test
  void classesThatAreNotKnownAreRefusedByName() throws IOException {
    copy("sentencepiece/llama");
    write("tokenizer_config.json", "{\"tokenizer_class\": \"XLMRobertaTokenizerFast\"}");
    refused(
        "tokenizer_config.json, tokenizer_class: is XLMRobertaTokenizer, and how it reads a"
            + " tokenizer.model is not known; known are LlamaTokenizer, GemmaTokenizer,");

    clear();
    copy("vocab_merges/gpt2");
    write("tokenizer_config.json", "{\"tokenizer_class\": \"RobertaTokenizer\"}");
    refused(
        "tokenizer_config.json, tokenizer_class: is RobertaTokenizer, and how it cuts text into"
            + " words is not known; known are GPT2Tokenizer,");
    write("tokenizer_config.json", "{}");
    write("config.json", "{\"model_type\": \"mamba\"}");
    refused("and neither does model_type mamba of config.json");
    Files.delete(folder.resolve("config.json"));
    refused("and neither does a config.json");
  }

  @Test
  void aTokenizerJsonWinsOverOtherFiles() throws IOException {
    copy("sentencepiece/llama");
    copy("tiny");
    try (Tokenizer tokenizer = HfTokenizer.open(folder)) {
      assertEquals(new TokenizerKind("BPE", "tokenizer.json"), tokenizer.kind());
      assertEquals(301, tokenizer.vocabSize());
    }
  }

  /** As transformers 5, which drops the switches where there is a tokenizer.json. */
  @Test
  void thePostProcessorOfATokenizerJsonWinsOverTheSwitchesOfTheConfig() throws IOException {
    copy("tiny");
    write(
        "tokenizer_config.json",
        "{\"bos_token\": \"<|begin|>\", \"eos_token\": \"<|end|>\", \"add_bos_token\": false,"
            + " \"add_eos_token\": true}");
    try (Tokenizer tokenizer = HfTokenizer.open(folder)) {
      int[] ids = tokenizer.encode("tree");
      int[] whole = tokenizer.encodeWithSpecials("tree");
      assertEquals(ids.length + 1, whole.length);
      assertEquals(0, whole[0]);
    }
  }

  @Test
  void withoutAConfigTheModelNamesItsOwnTokens() throws IOException {
    copy("sentencepiece/own-bpe");
    try (Tokenizer tokenizer = HfTokenizer.open(folder)) {
      assertEquals(OptionalInt.of(1), tokenizer.bosId());
      assertEquals(OptionalInt.of(2), tokenizer.eosId());
      assertEquals(0, tokenizer.bosPrefix().length);
      assertEquals("BPE from tokenizer.model", tokenizer.kind().toString());
      String hash = tokenizer.sha256();
      write("tokenizer_config.json", "{\"add_bos_token\": true}");
      try (Tokenizer other = HfTokenizer.open(folder)) {
        assertArrayEquals(new int[] {1}, other.bosPrefix());
        assertTrue(!other.sha256().equals(hash), "another tokenizer has another hash");
      }
    }
  }

  @Test
  void anAddedTokenMayRenameAPieceButNotLeaveAGap() throws IOException {
    copy("sentencepiece/own-bpe");
    write(
        "tokenizer_config.json",
        "{\"added_tokens_decoder\": {\"5\": {\"content\": \"<tool>\", \"special\": true}}}");
    try (Tokenizer tokenizer = HfTokenizer.open(folder)) {
      int[] ids = tokenizer.encode("a<tool>");
      assertEquals(5, ids[ids.length - 1]);
    }
    write(
        "tokenizer_config.json",
        "{\"added_tokens_decoder\": {\"999\": {\"content\": \"<tool>\", \"special\": true}}}");
    refused(
        "tokenizer_config.json, added token \"<tool>\": has the id 999, but after the ids before it"
            + " comes 380; take the file and the vocabulary from one revision");
  }

  @Test
  void aTiktokenFileIsNamed() throws IOException {
    write("tokenizer.model", "IQ== 0\nIg== 1\nIw== 2\n");
    refused("tokenizer.model: is a tiktoken vocabulary, not a SentencePiece model");
  }

  @Test
  void aT5TokenizerNeedsUnigram() throws IOException {
    copy("sentencepiece/llama");
    write("tokenizer_config.json", "{\"tokenizer_class\": \"T5Tokenizer\"}");
    refused("tokenizer.model, model_type: is BPE, but a T5Tokenizer needs UNIGRAM");
  }

  @Test
  void damagedVocabulariesAndMergesAreNamedWithTheLine() throws IOException {
    copy("vocab_merges/gpt2");
    write("merges.txt", "#version: 0.2\nh e\nonly\n");
    refused("merges.txt, line 3: is \"only\", expected two tokens and a space between");
    write("merges.txt", "#version: 0.2\nq q\n");
    refused("merges.txt, line 2: needs the token \"qq\", which vocab.json does not hold");
    write("vocab.json", "{\"a\": \"x\"}");
    refused("vocab.json, \"a\": has the id \"x\", expected a whole number");
    write("vocab.json", "[]");
    refused("vocab.json: is no JSON object of tokens and their ids");
  }

  private void copy(String name) throws IOException {
    try (Stream<Path> files = Files.list(RESOURCES.resolve(name))) {
      for (Path file : files.toList()) {
        Files.copy(
            file,
            folder.resolve(String.valueOf(file.getFileName())),
            StandardCopyOption.REPLACE_EXISTING);
      }
    }
  }

  private void clear() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
  }

  private void write(String name, String text) throws IOException {
    Files.writeString(folder.resolve(name), text);
  }

  private void refused(String expected) {
    FormatException e = assertThrows(FormatException.class, () -> HfTokenizer.open(folder).close());
    assertTrue(String.valueOf(e.getMessage()).contains(expected), e.getMessage());
  }
}
