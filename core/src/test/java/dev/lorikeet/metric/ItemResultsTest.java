package dev.lorikeet.metric;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.FormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The file of item results. */
class ItemResultsTest {
  @TempDir private Path folder;

  @Test
  void whatIsWrittenIsReadBack() {
    ItemResults results = Results.of(Results.HEADER, "abc", 1, 0, 1);
    Path file = folder.resolve("items.jsonl");
    results.write(file);
    assertEquals(results, ItemResults.read(file));
  }

  @Test
  void everyKindOfValueSurvives() {
    ItemResults.Header header =
        new ItemResults.Header(
            new ItemResults.TaskIdentity("t\u00e4sk \"1\"", "2", "aa"),
            "bb",
            1000,
            "a/b",
            Long.MIN_VALUE,
            List.of("bleu(case=lower)", "exact_match"));
    ItemResults.ItemResult item =
        new ItemResults.ItemResult(
            "id \n\u2028 \ud83d\ude00",
            Optional.of("g"),
            Optional.of("line\nline"),
            Map.of(
                "exact_match",
                ItemScore.right(false),
                "bleu(case=lower)",
                new ItemScore(1.0 / 3, Map.of("length", 0.1 + 0.2))));
    ItemResults results = new ItemResults(header, List.of(item));
    Path file = folder.resolve("items.jsonl");
    results.write(file);
    assertEquals(results, ItemResults.read(file));
  }

  @Test
  void theSameResultsAreTheSameBytes() throws IOException {
    ItemResults results = Results.of(Results.HEADER, "ab", 1, 0);
    results.write(folder.resolve("one"));
    results.write(folder.resolve("two"));
    assertEquals(-1, Files.mismatch(folder.resolve("one"), folder.resolve("two")));
    assertEquals(
        "{\"schema\":\"lorikeet-items\",\"version\":1,\"task\":\"tickets\",\"task_version\":\"1\","
            + "\"task_sha256\":\"0123456789abcdef\",\"data_sha256\":\"fedcba9876543210\","
            + "\"population\":60,\"model\":\"nano\",\"seed\":7,\"metrics\":[\"exact_match\"],"
            + "\"items\":2}",
        Files.readAllLines(folder.resolve("one")).getFirst());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "cut|holds 1 items, but its first line says 2: it is cut",
        "half|line 3 is not JSON",
        "empty|line 1: is not a JSON object",
        "other|line 1: is not the beginning of an items file",
        "newer|line 1: has version 2, this program reads 1",
        "twice|line 3: a second item is named a",
        "unscored|line 3: a score is missing or is not a number",
        "unnamed|line 3: the text id is missing",
        "more|line 3: has scores that the first line does not name",
        "list|line 3: is not a JSON object",
      })
  void damagedFilesAreToldApart(String damage, String problem) throws IOException {
    Path file = folder.resolve("items.jsonl");
    Results.of(Results.HEADER, "ab", 1, 0).write(file);
    List<String> lines = Files.readAllLines(file);
    String head = lines.get(0);
    String first = lines.get(1);
    String second = lines.get(2);
    Files.write(
        file,
        switch (damage) {
          case "cut" -> List.of(head, first);
          case "half" -> List.of(head, first, second.substring(0, 20));
          case "empty" -> List.of();
          case "other" -> List.of("{\"step\":1}", first, second);
          case "newer" -> List.of(head.replace("\"version\":1", "\"version\":2"), first, second);
          case "twice" -> List.of(head, first, first);
          case "unscored" -> List.of(head, first, second.replace("0.0", "null"));
          case "unnamed" -> List.of(head, first, second.replace("\"id\"", "\"no\""));
          case "more" ->
              List.of(head, first, second.replace("\"exact_match\":", "\"x\":{},\"exact_match\":"));
          case "list" -> List.of(head, first, "[1]");
          default -> throw new IllegalStateException(damage);
        });
    FormatException wrong = assertThrows(FormatException.class, () -> ItemResults.read(file));
    assertTrue(wrong.getMessage().contains(problem), wrong.getMessage());
    assertTrue(wrong.getMessage().startsWith(file.toString()), wrong.getMessage());
  }

  @Test
  void aMissingFileIsTold() {
    Path file = folder.resolve("none");
    assertThrows(FormatException.class, () -> ItemResults.read(file));
  }
}
