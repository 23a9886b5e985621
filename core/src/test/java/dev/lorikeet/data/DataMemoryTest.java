package dev.lorikeet.data;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.config.RunConfig;
import dev.lorikeet.tokenizer.HfTokenizer;
import dev.lorikeet.tokenizer.Tokenizer;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A data set lies in the Java heap: four bytes a token and a few dozen an example. So memory grows
 * with the data, and nothing but the tokens makes it grow.
 */
@Tag("slow")
final class DataMemoryTest {
  private static final Path TINY = Path.of("src/test/resources/dev/lorikeet/tokenizer/tiny");

  /** The example, its array's header and two references of lists. */
  private static final int BYTES_OF_EXAMPLE = 64;

  /** What a heap moves by itself. */
  private static final long NOISE = 1 << 20;

  @TempDir private Path folder;

  @Test
  void anExampleTakesItsTokensAndLittleElse() throws IOException {
    try (Tokenizer tokenizer = HfTokenizer.open(TINY)) {
      taken(100, tokenizer);
      for (int records : new int[] {1_000, 10_000, 100_000}) {
        Taken taken = taken(records, tokenizer);
        long limit = 4 * taken.tokens + (long) BYTES_OF_EXAMPLE * records + NOISE;
        assertTrue(taken.bytes <= limit, records + " records: " + taken + ", limit " + limit);
      }
    }
  }

  private record Taken(long bytes, long tokens) {}

  private Taken taken(int records, Tokenizer tokenizer) throws IOException {
    Path file = folder.resolve(records + ".jsonl");
    try (BufferedWriter out = Files.newBufferedWriter(file)) {
      for (int i = 0; i < records; i++) {
        out.write(
            "{\"prompt\": \"The old tree number %d said\", \"completion\": \" that it sang %d songs\"}\n"
                .formatted(i, i));
      }
    }
    RunConfig config =
        RunConfig.of("model", file)
            .with("data.format=prompt_completion", "data.validation=0.0", "data.max_seq_len=128");
    long before = used();
    DataSet data = DataSet.load(config.data(), 1, tokenizer);
    long bytes = used() - before;
    return new Taken(bytes, data.train().stream().mapToLong(Example::length).sum());
  }

  private static long used() {
    System.gc();
    Runtime runtime = Runtime.getRuntime();
    return runtime.totalMemory() - runtime.freeMemory();
  }
}
