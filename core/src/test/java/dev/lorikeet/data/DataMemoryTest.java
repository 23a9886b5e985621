package dev.lorikeet.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.config.RunConfig;
import dev.lorikeet.tokenizer.HfTokenizer;
import dev.lorikeet.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * Memory does not grow with the data: examples lie on the disk, and only an epoch's order takes 4
 * bytes an example.
 */
final class DataMemoryTest {
  private static final long MEBIBYTE = 1 << 20;

  /** Objects around a data set, and what a heap moves by itself. */
  private static final long HEAP_NOISE = MEBIBYTE;

  /**
   * What two processes that do the same differ by: the tokenizer's cache of 10,000 words, which
   * only many records fill (2 MB), and less than 1 MB besides. The order of an epoch lies in the
   * heap, which is of one size.
   */
  private static final long PROCESS_NOISE = 4 * MEBIBYTE;

  @TempDir private Path folder;

  @Test
  @Tag("slow")
  void theHeapHoldsNoExample() throws IOException {
    try (Tokenizer tokenizer = HfTokenizer.open(DataProcess.TINY)) {
      heap(100, tokenizer);
      for (int records : new int[] {1_000, 10_000, 100_000}) {
        Heap heap = heap(records, tokenizer);
        assertTrue(heap.loaded <= HEAP_NOISE, records + " records: " + heap);
        long order = (long) Integer.BYTES * records;
        assertTrue(heap.inEpoch <= order + HEAP_NOISE, records + " records: " + heap);
      }
    }
  }

  /**
   * 200,000 records would take 46 MB as objects (42 tokens and 64 bytes each). The small process
   * encodes its 1,000 records 200 times, so that compilers and collector have the same to do.
   */
  @Test
  @Tag("slow")
  @EnabledOnOs(OS.LINUX)
  void aProcessTakesNoMoreForTwoHundredThousandRecordsThanForAThousand()
      throws IOException, InterruptedException {
    requireFlat(200_000);
  }

  /** A minute; prints the numbers of docs/data.md. */
  @Test
  @Tag("slow")
  @EnabledOnOs(OS.LINUX)
  void norForAMillion() throws IOException, InterruptedException {
    requireFlat(1_000_000);
  }

  /** The small text is encoded 40 times, so that compilers and collector have the same to do. */
  @Test
  @Tag("slow")
  @EnabledOnOs(OS.LINUX)
  void aTextOfTwentyMegabytesTakesNoMoreThanOneOfHalfAMegabyte()
      throws IOException, InterruptedException {
    DataProcess.Taken small = DataProcess.run(DataProcess.writeText(folder, 512), 40);
    DataProcess.Taken large = DataProcess.run(DataProcess.writeText(folder, 20 * 1024), 1);
    System.out.printf("0.5 MB of text: %s%n20 MB of text: %s%n", small, large);
    assertTrue(large.tokens() > 30 * small.tokens(), small + ", " + large);
    assertTrue(large.resident() <= small.resident() + PROCESS_NOISE, small + ", " + large);
  }

  private void requireFlat(int records) throws IOException, InterruptedException {
    int few = 1_000;
    DataProcess.Taken small =
        DataProcess.run(DataProcess.write(folder, few), Math.min(200, records / few));
    DataProcess.Taken large = DataProcess.run(DataProcess.write(folder, records), 1);
    System.out.printf("%d records: %s%n%d records: %s%n", few, small, records, large);
    assertTrue(large.tokens() > 30L * records, "an epoch was gone through: " + large);
    assertTrue(large.resident() <= small.resident() + PROCESS_NOISE, small + ", " + large);
  }

  private record Heap(long loaded, long inEpoch) {}

  private Heap heap(int records, Tokenizer tokenizer) throws IOException {
    RunConfig config = DataProcess.config(DataProcess.write(folder, records));
    long before = used();
    try (DataSet data = DataSet.load(config.data(), 1, tokenizer, folder)) {
      long loaded = used() - before;
      Batches batches = new Batches(BatchPlan.of(config, data.train().size()), data.train());
      GlobalBatch batch = batches.batch(0);
      long inEpoch = used() - before;
      assertEquals(batch, batches.batch(0));
      return new Heap(loaded, inEpoch);
    }
  }

  private static long used() {
    System.gc();
    Runtime runtime = Runtime.getRuntime();
    return runtime.totalMemory() - runtime.freeMemory();
  }
}
