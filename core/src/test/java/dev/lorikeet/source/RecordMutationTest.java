package dev.lorikeet.source;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.lorikeet.error.DataException;
import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** Damaged records are refused in words: nothing but a DataException ever comes out. */
class RecordMutationTest {
  private static final int ROUNDS = 4000;

  @Test
  void damagedArraysGiveDataExceptionsOnly() {
    refuses(
        """
        [{"instruction": "a\\u00e9", "input": "", "output": "b", "x": [1, {"y": -2.5e3}]},
         {"instruction": "\u65e5\u672c", "input": null, "output": "c\\n", "z": true}]
        """,
        bytes -> new JsonRecords(Path.of("d"), new Utf8Stream(bytes)));
  }

  @Test
  void damagedLinesGiveDataExceptionsOnly() {
    refuses(
        """
        {"instruction": "a\\u00e9", "input": "", "output": "b", "x": [1, {"y": -2.5e3}]}
        {"instruction": "\u65e5\u672c", "input": null, "output": "c\\n", "z": true}
        """,
        bytes -> new JsonLines(Path.of("d"), bytes));
  }

  @Test
  void damagedTablesGiveDataExceptionsOnly() {
    refuses(
        """
        instruction,output,z
        "a ""b"" c","d
        e",3
        \u65e5\u672c,"x,y",
        """,
        bytes -> new CsvRecords(Path.of("d"), bytes, () -> new Utf8Stream(bytes)));
  }

  private static void refuses(String content, Function<InputStream, RecordReader> open) {
    long seed = Long.getLong("lorikeet.test.seed", 20261122);
    Random random = new Random(seed);
    byte[] whole = content.getBytes(StandardCharsets.UTF_8);
    int refused = 0;
    for (int round = 0; round < ROUNDS; round++) {
      byte[] damaged = whole.clone();
      for (int hits = 1 + random.nextInt(3); hits > 0; hits--) {
        damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
      }
      if (random.nextInt(4) == 0) {
        damaged = Arrays.copyOf(damaged, random.nextInt(damaged.length));
      }
      InputStream bytes = new BufferedInputStream(new ByteArrayInputStream(damaged));
      try (RecordReader records = open.apply(bytes)) {
        for (var next = records.next(); next.isPresent(); next = records.next()) {
          next.get().text("instruction");
          next.get().text("output");
        }
      } catch (DataException e) {
        refused++;
        String said = String.valueOf(e.getMessage());
        assertTrue(said.startsWith("d") && !said.contains("Exception"), said);
      } catch (RuntimeException e) {
        fail(
            "mvn test -Dtest=RecordMutationTest -Dlorikeet.test.seed="
                + seed
                + "\n"
                + new String(damaged, StandardCharsets.ISO_8859_1),
            e);
      }
    }
    assertTrue(refused > ROUNDS / 3, "refused " + refused);
  }
}
