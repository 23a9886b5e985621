package dev.lorikeet.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.config.RunConfig;
import dev.lorikeet.error.DataException;
import dev.lorikeet.tokenizer.HfTokenizer;
import dev.lorikeet.tokenizer.SpecialTokens;
import dev.lorikeet.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DataSetTest {
  private static final Path TINY = Path.of("src/test/resources/dev/lorikeet/tokenizer/tiny");
  private static final int BOS = 0;
  private static final int EOS = 1;

  @TempDir private Path folder;
  private final Tokenizer tokenizer = HfTokenizer.open(TINY);

  @AfterEach
  void closeTokenizer() {
    tokenizer.close();
  }

  @Test
  void promptAndResponseAreTokenisedSeparatelyAndJoined() {
    // "Th" + "e" is one token when written together.
    Example example = only(record("Th", "e"), "data.format=prompt_completion");
    assertNotEquals(
        Arrays.stream(tokenizer.encode("The")).boxed().toList(),
        Arrays.stream(join(tokenizer.encode("Th"), tokenizer.encode("e"))).boxed().toList());
    assertArrayEquals(
        join(new int[] {BOS}, tokenizer.encode("Th"), tokenizer.encode("e"), new int[] {EOS}),
        example.tokens());
    assertEquals(1 + tokenizer.encode("Th").length, example.firstLabel());
  }

  @Test
  void maskedPromptsTrainTheResponseAndItsEndOnly() {
    Example example = only(record("The tree", "sang"), "data.format=prompt_completion");
    int[] labelled = Arrays.copyOfRange(example.tokens(), example.firstLabel(), example.length());
    assertArrayEquals(join(tokenizer.encode("sang"), new int[] {EOS}), labelled);
  }

  @Test
  void trainedPromptsLeaveOutTheFirstTokenOnly() {
    Example example =
        only(record("The tree", "sang"), "data.format=prompt_completion", "data.mask_prompt=false");
    assertEquals(1, example.firstLabel());
    assertEquals(example.length() - 1, example.labelCount());
  }

  @Test
  void endOfSequenceIsAlwaysTheLastLabel() {
    for (String mask : List.of("data.mask_prompt=true", "data.mask_prompt=false")) {
      for (String response : List.of("", "sang", "<|end|>")) {
        Example example = only(record("The", response), "data.format=prompt_completion", mask);
        assertEquals(EOS, example.token(example.length() - 1));
        assertTrue(example.firstLabel() < example.length());
      }
      Example document = only("{\"text\": \"The tree\"}", "data.format=text", mask);
      assertArrayEquals(
          join(new int[] {BOS}, tokenizer.encode("The tree"), new int[] {EOS}), document.tokens());
      assertEquals(1, document.firstLabel());
    }
  }

  @Test
  void beginOfSequenceIsNeverTwice() {
    Example written = only(record("<|begin|>The", "a"), "data.format=prompt_completion");
    Example added = only(record("The", "a"), "data.format=prompt_completion");
    assertEquals(added, written);
    assertEquals(1, IntStream.of(written.tokens()).filter(id -> id == BOS).count());
  }

  @Test
  void aTokenizerWithoutBosGetsNoneAndTheFirstTokenIsNoLabel() throws IOException {
    try (Tokenizer bare = HfTokenizer.open(tinyWithout("post_processor"))) {
      Path file = write("a.jsonl", record("", "ab"));
      RunConfig config = config(file, "data.format=prompt_completion", "data.validation=0");
      Example example = DataSet.load(config.data(), 1, bare).train().getFirst();
      assertArrayEquals(join(bare.encode("ab"), new int[] {EOS}), example.tokens());
      assertEquals(1, example.firstLabel());
    }
  }

  @Test
  void alpacaRecordsReadAsTheirPromptAndAnswer() {
    Example example =
        only("[{\"instruction\": \"Sing\", \"input\": \"la\", \"output\": \"la la\"}]");
    assertEquals(
        "<|begin|>" + AlpacaPrompt.of("Sing", "la") + "la la<|end|>",
        tokenizer.decode(example.tokens(), SpecialTokens.KEEP));
    assertEquals(
        "la la<|end|>",
        tokenizer.decode(
            Arrays.copyOfRange(example.tokens(), example.firstLabel(), example.length()),
            SpecialTokens.KEEP));
  }

  @Test
  void booksAreCutIntoWindowsWithoutLossOrOverlap() {
    String text = "The lorikeet sang 40213 songs.\n".repeat(20);
    Path file = write("a.txt", text);
    DataSet data = load(file, "data.format=text", "data.validation=0", "data.max_seq_len=16");
    List<Integer> rejoined = new ArrayList<>();
    for (Example window : data.train()) {
      assertEquals(BOS, window.token(0));
      assertEquals(1, window.firstLabel());
      assertTrue(window.length() <= 16);
      IntStream.of(window.tokens()).skip(1).forEach(rejoined::add);
    }
    assertEquals(
        Arrays.stream(join(tokenizer.encode(text), new int[] {EOS})).boxed().toList(), rejoined);
    assertEquals(
        LongStream.range(0, data.train().size()).boxed().toList(),
        data.train().stream().map(Example::id).toList());
    assertEquals(0, data.report().truncated());
  }

  @Test
  void longRecordsAreCutAtTheEndAndCounted() {
    String lines =
        record("The", "a b")
            + "\n"
            + record("The", "a ".repeat(50))
            + "\n"
            + record("a ".repeat(50), "never reached");
    DataSet data =
        load(
            write("a.jsonl", lines),
            "data.format=prompt_completion",
            "data.validation=0",
            "data.max_seq_len=20");
    int whole = 1 + tokenizer.encode("The").length + tokenizer.encode("a b").length + 1;
    int prompt = 1 + tokenizer.encode("The").length;
    int dropped =
        1 + tokenizer.encode("a ".repeat(50)).length + tokenizer.encode("never reached").length + 1;
    assertEquals(
        new EncodeReport(3, 2, whole + 20, whole - prompt + 20 - prompt, 2, 1, dropped),
        data.report());
    assertEquals(List.of(0L, 1L), data.train().stream().map(Example::id).toList());
    assertNotEquals(EOS, data.train().getLast().token(19), "a cut record has lost its end");
    assertEquals(20, data.longestExample());
  }

  @Test
  void aShareIsHeldOutByTheSeedAlone() {
    Path file = write("a.jsonl", records(40));
    DataSet data = load(file, "data.format=prompt_completion", "data.validation=0.2");
    assertEquals(8, data.validation().size());
    assertEquals(32, data.train().size());
    List<Long> ids = new ArrayList<>(data.train().stream().map(Example::id).toList());
    assertEquals(ids.stream().sorted().toList(), ids, "source order");
    data.validation().forEach(example -> ids.add(example.id()));
    assertEquals(LongStream.range(0, 40).boxed().toList(), ids.stream().sorted().toList());
    RunConfig config = config(file, "data.format=prompt_completion", "data.validation=0.2");
    assertEquals(data, DataSet.load(config.data(), 42, tokenizer));
    assertNotEquals(data.validation(), DataSet.load(config.data(), 43, tokenizer).validation());
  }

  @Test
  void aSmallShareHoldsOutAtLeastOneAndZeroNone() {
    Path file = write("a.jsonl", records(3));
    String format = "data.format=prompt_completion";
    assertEquals(1, load(file, format, "data.validation=0.01").validation().size());
    assertEquals(1, load(file, format, "data.validation=0.99").train().size());
    assertEquals(0, load(file, format, "data.validation=0").validation().size());
    Path single = write("b.jsonl", records(1));
    assertEquals(
        "data file "
            + single
            + " gives 1 example, which cannot be split by data.validation 0.05; set"
            + " data.validation to 0 or name a file",
        problem(single, format));
  }

  @Test
  void aValidationFileStandsBesideTheWholeTrainingFile() {
    Path train = write("a.jsonl", records(5));
    Path validation = write("b.jsonl", records(2));
    DataSet data = load(train, "data.format=prompt_completion", "data.validation=" + validation);
    assertEquals(5, data.train().size());
    assertEquals(2, data.validation().size());
    assertEquals(7, data.report().records());
    assertEquals(
        List.of(train.toString(), validation.toString()),
        data.provenance().sources().stream().map(DataProvenance.Source::path).toList());
  }

  @Test
  void provenanceChangesWithEveryStage() {
    String format = "data.format=prompt_completion";
    Path file = write("a.jsonl", records(10));
    DataProvenance first = load(file, format).provenance();
    assertEquals(first, load(file, format).provenance());
    assertEquals(tokenizer.sha256(), first.tokenizerSha256());
    DataProvenance unmasked = load(file, format, "data.mask_prompt=false").provenance();
    assertEquals(first.sources(), unmasked.sources());
    assertNotEquals(first.trainSha256(), unmasked.trainSha256());
    write("a.jsonl", records(10) + "\n");
    DataProvenance spaced = load(file, format).provenance();
    assertNotEquals(first.sources(), spaced.sources());
    assertEquals(first.trainSha256(), spaced.trainSha256());
    assertEquals(first.validationSha256(), spaced.validationSha256());
  }

  @Test
  void anEmptyDataSetIsRefused() {
    for (String content : List.of("", "\n", "[]")) {
      Path file = write("a.json", content);
      assertEquals("data file " + file + " holds no record", problem(file));
    }
    Path text = write("a.txt", "");
    assertEquals("data file " + text + " holds no record", problem(text, "data.format=text"));
  }

  @Test
  void aDataSetWithAllLabelsMaskedIsRefused() {
    Path file = write("a.jsonl", record("a ".repeat(40), "b"));
    int longest = 1 + tokenizer.encode("a ".repeat(40)).length + tokenizer.encode("b").length + 1;
    assertEquals(
        "data file "
            + file
            + ": nothing is left to learn in any of its 1 records: with data.max_seq_len 16 and"
            + " data.mask_prompt true no label survives (the longest record has "
            + longest
            + " tokens); raise data.max_seq_len",
        problem(file, "data.format=prompt_completion", "data.max_seq_len=16"));
  }

  @Test
  void aTokenizerWithoutEndOfSequenceIsRefused() throws IOException {
    Path bareFolder = tinyWithout("");
    Files.delete(bareFolder.resolve("tokenizer_config.json"));
    try (Tokenizer bare = HfTokenizer.open(bareFolder)) {
      RunConfig config = config(write("a.jsonl", records(3)), "data.format=prompt_completion");
      DataException e =
          assertThrows(DataException.class, () -> DataSet.load(config.data(), 1, bare));
      assertTrue(
          String.valueOf(e.getMessage())
              .startsWith(
                  "tokenizer " + bare.name() + " has no end-of-sequence token, which every"),
          e.getMessage());
    }
  }

  @Test
  void tokensBeyondTheEmbeddingAreRefused() {
    Path file = write("a.jsonl", record("The", "a <note>"));
    DataSet data = load(file, "data.format=prompt_completion", "data.validation=0");
    data.requireWithin(301, tokenizer);
    DataException e = assertThrows(DataException.class, () -> data.requireWithin(300, tokenizer));
    assertTrue(
        String.valueOf(e.getMessage()).contains("gives id 300 for \"<note>\", but the model's"),
        e.getMessage());
  }

  private static String record(String prompt, String completion) {
    return "{\"prompt\": \"" + prompt + "\", \"completion\": \"" + completion + "\"}";
  }

  private static String records(int count) {
    return IntStream.range(0, count)
        .mapToObj(i -> record("Count to " + i, "It is " + i + "."))
        .collect(Collectors.joining("\n"));
  }

  private Example only(String content, String... overrides) {
    List<String> all = new ArrayList<>(List.of(overrides));
    all.add("data.validation=0");
    DataSet data = load(write("only.json", content), all.toArray(String[]::new));
    assertEquals(1, data.train().size());
    return data.train().getFirst();
  }

  private DataSet load(Path file, String... overrides) {
    return DataSet.load(config(file, overrides).data(), 42, tokenizer);
  }

  private String problem(Path file, String... overrides) {
    DataException e = assertThrows(DataException.class, () -> load(file, overrides));
    return String.valueOf(e.getMessage());
  }

  private static RunConfig config(Path file, String... overrides) {
    return RunConfig.of("nano", file).with(overrides);
  }

  private Path write(String name, String content) {
    try {
      return Files.writeString(folder.resolve(name), content);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  /** A copy of the fixture without one key of its tokenizer.json. */
  private Path tinyWithout(String key) throws IOException {
    Path copy = Files.createDirectory(folder.resolve("tokenizer"));
    Files.copy(TINY.resolve("tokenizer_config.json"), copy.resolve("tokenizer_config.json"));
    String file = Files.readString(TINY.resolve("tokenizer.json"));
    // Hugging Face's library wants the key to be there or null.
    Files.writeString(
        copy.resolve("tokenizer.json"),
        key.isEmpty()
            ? file
            : file.replaceFirst("(?s)\"" + key + "\": \\{.*?\\n  \\}", "\"" + key + "\": null"));
    return copy;
  }

  private static int[] join(int[]... parts) {
    return Arrays.stream(parts).flatMapToInt(IntStream::of).toArray();
  }
}
