package dev.lorikeet.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.lorikeet.config.RunConfig;
import dev.lorikeet.error.DataException;
import dev.lorikeet.tokenizer.ChatTemplate;
import dev.lorikeet.tokenizer.HfTokenizer;
import dev.lorikeet.tokenizer.SpecialTokens;
import dev.lorikeet.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Data files in a folder and what becomes of them with the tokenizer of the fixtures. */
record DataFolder(Path folder) {
  private static final Path TINY = Path.of("src/test/resources/dev/lorikeet/tokenizer/tiny");

  /** Learned tokens stand between these. */
  private static final String OPEN = "⟦";

  private static final String CLOSE = "⟧";

  Path write(String name, String content) {
    return write(name, content.getBytes(StandardCharsets.UTF_8));
  }

  Path write(String name, byte[] content) {
    try {
      return Files.write(folder.resolve(name), content);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  /** What is kept of a data set. */
  record Loaded(
      List<Example> train, EncodeReport report, List<String> notices, List<String> texts) {}

  /** Loads {@code file} without a held-out part, for a model without a chat template. */
  Loaded load(Path file, String... overrides) {
    return load(file, Optional.empty(), overrides);
  }

  Loaded load(Path file, Optional<ChatTemplate> template, String... overrides) {
    return load(RunConfig.of("nano", file).with("data.validation=0").with(overrides), template);
  }

  Loaded load(RunConfig config, Optional<ChatTemplate> template) {
    try (Tokenizer tokenizer = HfTokenizer.open(TINY);
        DataSet data =
            DataSet.load(new DataSet.Request(config.data(), 42, tokenizer, template, folder))) {
      List<Example> train = List.copyOf(data.train());
      return new Loaded(
          train,
          data.report(),
          data.notices(),
          train.stream().map(example -> text(example, tokenizer)).toList());
    }
  }

  /** The text of the only example, what is learned between brackets. */
  String only(String content, String... overrides) {
    return only(content, Optional.empty(), overrides);
  }

  String only(String content, Optional<ChatTemplate> template, String... overrides) {
    Loaded loaded = load(write("only.jsonl", content), template, overrides);
    assertEquals(1, loaded.texts().size());
    return loaded.texts().getFirst();
  }

  /** The problem of loading {@code file}, with its path as F. */
  String problem(Path file, String... overrides) {
    DataException e = assertThrows(DataException.class, () -> load(file, overrides));
    assertEquals(2, e.exitCode());
    return String.valueOf(e.getMessage()).replace(file.toString(), "F");
  }

  private static String text(Example example, Tokenizer tokenizer) {
    StringBuilder text = new StringBuilder();
    int at = 0;
    while (at < example.length()) {
      boolean learned = example.isLearned(at);
      int end = at;
      while (end < example.length() && example.isLearned(end) == learned) {
        end++;
      }
      String part =
          tokenizer.decode(Arrays.copyOfRange(example.tokens(), at, end), SpecialTokens.KEEP);
      text.append(learned ? OPEN + part + CLOSE : part);
      at = end;
    }
    return text.toString();
  }
}
