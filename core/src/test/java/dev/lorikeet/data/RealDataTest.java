package dev.lorikeet.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.lorikeet.config.RunConfig;
import dev.lorikeet.tokenizer.HfTokenizer;
import dev.lorikeet.tokenizer.Tokenizer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/**
 * Public files become exactly the tokens that Hugging Face's library and litgpt's rules give;
 * {@code reference/make_data_fixture.py} prints the hashes. Skipped where the shared data is
 * absent.
 */
class RealDataTest {
  private static final Path DATA = Path.of("../../shared/data");

  @Test
  void alpacaRecordsBecomeTheReferencesTokens() {
    assertEncoded(
        "instruct/alpaca_random_9k.json",
        9229,
        9218,
        "15fbf892464f21dcc2d000168545b88a72dbd5087fe15a2765a61a8034eb1d19");
  }

  @Test
  void limaRecordsBecomeTheReferencesTokens() {
    assertEncoded(
        "instruct/lima.json",
        1029,
        962,
        "b6206385c6693ac487434bd0df8bb3e7423f96fe34ea96471536a3357e4a662e");
  }

  @Test
  void smallInstructionSetsBecomeTheReferencesTokens() {
    assertEncoded(
        "instruct/instruction-data.json",
        1100,
        1100,
        "8ac7005c21c74b42a61c740e57af1ae2a423974e70560c0a102975a41040c297");
    assertEncoded(
        "instruct/dolly_3k.json",
        2996,
        2704,
        "5bdb3781fca59662a1d687e4888fb7e081a57a9d9c552c0ef1b4dd4954e2804a");
  }

  @Test
  void aBookBecomesTheReferencesWindows() {
    assertEncoded(
        "text/tinyshakespeare/input.txt",
        1357,
        1357,
        "e6f782e701e2c9d5e4361d880cdd6250466fc3faef5be1563ad72ccffa29173e",
        "data.format=text");
  }

  /** Every file is told from its records and read with no setting but its path. */
  @Test
  void everyInstructionFileIsDetectedAndRead() {
    assertRead("alpaca_random_9k.json", 9229, "format alpaca", "written by alpaca");
    assertRead("alpaca_claude_t45.json", 5305, "format alpaca", "written by alpaca");
    assertRead("dolly_3k.json", 2996, "format alpaca", "written by alpaca");
    assertRead("lima.json", 1029, "format alpaca", "written by alpaca");
    assertRead("instruction-data.json", 1100, "format alpaca", "written by alpaca");
    assertRead("alpaca_en_demo.json", 999, "format alpaca", "written by alpaca");
    assertRead("gsm8k/train.jsonl", 7473, "format completion", "written by plain");
    assertRead("gsm8k/test.jsonl", 1319, "format completion", "written by plain");
    assertRead("glaive_toolcall_en_demo.json", 300, "format sharegpt", "written by chatml");
    assertRead("chat_tiny.json", 1, "format sharegpt", "written by chatml");
  }

  private static void assertRead(String file, long records, String format, String prompt) {
    Path data = present(DATA.resolve("instruct").resolve(file));
    Path model = present(DATA.resolve("models/stories260K"));
    RunConfig config =
        RunConfig.of(model.toString(), data).with("data.validation=0", "data.max_seq_len=100000");
    try (Tokenizer tokenizer = HfTokenizer.open(model);
        DataSet set = DataSet.load(config.data(), 42, tokenizer)) {
      assertEquals(records, set.report().records(), file);
      assertEquals(records, set.report().examples(), file);
      assertTrue(set.notices().getFirst().contains(format), set.notices().toString());
      assertTrue(set.notices().toString().contains(prompt), set.notices().toString());
    }
  }

  private static void assertEncoded(
      String file, long records, long examples, String sha256, String... overrides) {
    Path data = present(DATA.resolve(file));
    Path model = present(DATA.resolve("models/stories260K"));
    RunConfig config =
        RunConfig.of(model.toString(), data).with("data.validation=0").with(overrides);
    try (Tokenizer tokenizer = HfTokenizer.open(model)) {
      DataSet set = DataSet.load(config.data(), 42, tokenizer);
      assertEquals(records, set.report().records());
      assertEquals(examples, set.report().examples());
      assertEquals(records - examples, set.report().dropped());
      assertEquals(sha256, set.provenance().trainSha256());
    }
  }

  private static Path present(Path path) {
    assumeTrue(Files.exists(path), "shared data is absent: " + path);
    return path;
  }
}
