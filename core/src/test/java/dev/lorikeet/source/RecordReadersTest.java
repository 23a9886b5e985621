package dev.lorikeet.source;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.DataException;
import dev.lorikeet.source.DataFile.BrokenRecords;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RecordReadersTest {
  @TempDir private Path folder;

  @Test
  void arraysAreReadOneByOne() {
    byte[] bytes =
        ("[" + "{\"text\": \"abc\"},\n".repeat(100_000) + "{\"text\": \"abc\"}]")
            .getBytes(StandardCharsets.UTF_8);
    HashingStream stream = new HashingStream(new ByteArrayInputStream(bytes));
    try (JsonRecords records = new JsonRecords(Path.of("a.json"), stream)) {
      assertEquals("abc", records.next().orElseThrow().text("text"));
      assertTrue(stream.count() < bytes.length / 10, stream.count() + " of " + bytes.length);
    }
  }

  @Test
  void valuesOfAllKindsAreKept() throws IOException {
    String record =
        "{\"t\": \"x\", \"n\": 3, \"f\": 1.5, \"b\": true, \"l\": [1, {\"a\": []}], \"o\": {}}";
    for (String content : List.of(record, "[" + record + "]")) {
      for (BrokenRecords broken : BrokenRecords.values()) {
        assertEquals(
            List.of(
                Map.of(
                    "t",
                    "x",
                    "n",
                    3,
                    "f",
                    1.5,
                    "b",
                    true,
                    "l",
                    List.of(1, Map.of("a", List.of())),
                    "o",
                    Map.of())),
            read(write("a.jsonl", content), broken));
      }
    }
  }

  @Test
  void brokenLinesAreLeftBehind() throws IOException {
    Path file =
        write(
            "a.jsonl",
            "\uFEFF{\"a\": 1}\r\n\n{\"a\": \n[1]\n{\"a\": 2} {\"a\": 3}\n{\"a\": \"\u00e9\"}\n{\"a\": 4}");
    List<String> problems = new ArrayList<>();
    List<Object> good = new ArrayList<>();
    try (DataFile open = DataFile.open(file);
        RecordReader records = open.records(BrokenRecords.LEAVE_BEHIND)) {
      boolean more = true;
      while (more) {
        try {
          var next = records.next();
          next.ifPresent(record -> good.add(record.values().get("a") + " " + record.place()));
          more = next.isPresent();
        } catch (DataException e) {
          problems.add(String.valueOf(e.getMessage()).replace(file.toString(), "F"));
          assertTrue(records.canGoOn());
        }
      }
    }
    assertEquals(List.of("1 line 1", "\u00e9 line 6", "4 line 7"), good);
    assertEquals(3, problems.size(), problems.toString());
    assertTrue(problems.getFirst().startsWith("F, line 3, column "), problems.getFirst());
    assertEquals("F, line 4 (record 3): expected an object {…}, found a list", problems.get(1));
    assertTrue(problems.get(2).startsWith("F, line 5 (record 4): text after the end"));
  }

  @Test
  void tablesMayHaveQuotesAndLineBreaksInCells() throws IOException {
    String table = "prompt,answer\n\"Say \"\"hi\"\", please\",\"line 1\nline 2\"\r\n\n,last";
    List<Map<String, Object>> expected =
        List.of(
            Map.of("prompt", "Say \"hi\", please", "answer", "line 1\nline 2"),
            Map.of("prompt", "", "answer", "last"));
    assertEquals(expected, read(write("a.csv", table), BrokenRecords.END));
    assertEquals(expected, read(write("b.csv", "\uFEFF" + table), BrokenRecords.END));
  }

  @Test
  void theSeparatorOfATableIsFoundOut() throws IOException {
    List<Map<String, Object>> expected = List.of(Map.of("a, b", "1", "c", "2"));
    for (String separator : List.of(";", "\t", "|", ",")) {
      String table = "\"a, b\"" + separator + "c\n1" + separator + "2\n";
      assertEquals(expected, read(write("a.csv", table), BrokenRecords.END), separator);
    }
    assertEquals(
        List.of(Map.of("a,b,c", "1,2,3")),
        read(write("a.tsv", "a,b,c\n1,2,3\n"), BrokenRecords.END));
    assertEquals(List.of(), read(write("e.csv", ""), BrokenRecords.END));
  }

  @Test
  void brokenTablesAreToldWithLineAndReason() throws IOException {
    Path file = write("a.csv", "a,b\n1,\"2\n3\"\n1,2,3\n4,5\n");
    try (DataFile open = DataFile.open(file);
        RecordReader records = open.records(BrokenRecords.LEAVE_BEHIND)) {
      assertEquals("line 2", records.next().orElseThrow().place());
      DataException e = assertThrows(DataException.class, records::next);
      assertEquals(
          file
              + ", line 4 (record 2): it has 3 cells, but there are 2 columns (a, b, separated by a"
              + " comma); a text that holds a comma or a line break needs double quotes",
          e.getMessage());
      assertTrue(records.canGoOn());
      assertEquals(Map.of("a", "4", "b", "5"), records.next().orElseThrow().values());
    }
    Path twice = write("b.csv", "a,a\n1,2\n");
    DataException e = assertThrows(DataException.class, () -> read(twice, BrokenRecords.END));
    assertTrue(String.valueOf(e.getMessage()).contains("names of its columns, each once"));
    Path open = write("c.csv", "a,b\n1,\"2\n3,4\n");
    e = assertThrows(DataException.class, () -> read(open, BrokenRecords.END));
    assertTrue(
        String.valueOf(e.getMessage())
            .startsWith(open + ", line 2 (record 1): not a valid table: Unclosed quoted field"),
        e.getMessage());
  }

  @Test
  void aCellThatNeverEndsIsRefusedBeforeItFillsTheMemory() throws IOException {
    Path file = write("a.csv", "a,b\n1,2\n3,\"" + "x".repeat(40_000_000));
    DataException e = assertThrows(DataException.class, () -> read(file, BrokenRecords.END));
    assertTrue(
        String.valueOf(e.getMessage())
            .startsWith(
                file
                    + ", line 3 (record 2), or its quote is never closed: the record is larger than"
                    + " 32 MB"),
        e.getMessage());
  }

  @Test
  void parquetGivesListsAndStructures() throws Exception {
    Path file =
        parquet(
            "SELECT i AS n, [{'role': 'user', 'content': 'hi ' || i}] AS messages, NULL AS x FROM range(3000) t(i)");
    try (RecordReader records = DuckDbRecords.parquet(file)) {
      SourceRecord first = records.next().orElseThrow();
      assertEquals("row 1", first.place());
      assertEquals(List.of("n", "messages", "x"), List.copyOf(first.values().keySet()));
      assertEquals(List.of(Map.of("role", "user", "content", "hi 0")), first.list("messages"));
      assertFalse(first.has("x"));
      long last = 0;
      for (var next = records.next(); next.isPresent(); next = records.next()) {
        last++;
        assertEquals(String.valueOf(last), String.valueOf(next.get().values().get("n")));
      }
      assertEquals(2999, last);
    }
  }

  @Test
  void parquetThatIsCutOffIsToldSo() throws Exception {
    Path whole = parquet("SELECT i FROM range(1000) t(i)");
    byte[] bytes = Files.readAllBytes(whole);
    Path half = Files.write(folder.resolve("half.parquet"), Arrays.copyOf(bytes, bytes.length / 2));
    DataException e = assertThrows(DataException.class, () -> DuckDbRecords.parquet(half));
    assertEquals(
        "data file "
            + half
            + " is no whole Parquet file: its end is missing; copy or download it again",
        e.getMessage());
  }

  @Test
  void queriesSeeTheFileAsTheTableData() throws Exception {
    Path csv = write("it's.csv", "q,a\nx,1\ny,2\n");
    assertEquals(
        List.of(Map.of("prompt", "y", "completion", "2")),
        query(csv, "SELECT q AS prompt, a::VARCHAR AS completion FROM data WHERE a > 1; "));
    Path json = write("a.jsonl", "{\"a\": {\"b\": [1, 2]}}\n");
    assertEquals(List.of(Map.of("b", 2)), query(json, "SELECT len(a.b) AS b FROM data -- why"));
    Path parquet = parquet("SELECT 7 AS n");
    assertEquals(List.of(Map.of("m", 8)), query(parquet, "FROM (SELECT n + 1 AS m FROM data)"));
  }

  @Test
  void queriesReadNothingElseAndWriteNothing() throws Exception {
    Path file = write("a.csv", "a\n1\n");
    Path other = write("b.csv", "a\n2\n");
    Path written = folder.resolve("out.csv");
    for (String query :
        List.of(
            "COPY data TO '" + written + "'",
            "SELECT 1; COPY data TO '" + written + "'",
            "SELECT * FROM data) x; COPY (SELECT 1) TO '" + written + "'; SELECT * FROM (SELECT 1",
            "SELECT * FROM '" + other + "'",
            "SELECT * FROM read_csv('" + other + "')",
            "SELECT * FROM read_text('" + other + "')",
            "SELECT * FROM glob('" + folder + "/*')",
            "SELECT * FROM read_csv('https://example.org/a.csv')",
            "SELECT getenv('PATH')",
            "INSTALL httpfs",
            "LOAD httpfs",
            "ATTACH '" + folder.resolve("x.db") + "'",
            "CREATE TABLE t AS SELECT 1",
            "SET threads = 4",
            "PRAGMA version",
            "",
            "nonsense")) {
      DataException e =
          assertThrows(DataException.class, () -> query(file, query), () -> "allowed: " + query);
      assertTrue(String.valueOf(e.getMessage()).contains(file.toString()), e.getMessage());
    }
    try (var files = Files.list(folder)) {
      assertEquals(
          List.of("a.csv", "b.csv"),
          files.map(path -> path.getFileName().toString()).sorted().toList());
    }
  }

  @Test
  void mistakesInQueriesAreToldInTheWordsOfTheDatabase() throws Exception {
    Path file = write("a.csv", "answer\n1\n");
    DataException e =
        assertThrows(DataException.class, () -> query(file, "SELECT anwser FROM data"));
    assertTrue(String.valueOf(e.getMessage()).contains("\"anwser\" not found"), e.getMessage());
    Path text = write("a.txt", "x");
    e = assertThrows(DataException.class, () -> query(text, "SELECT 1"));
    assertTrue(String.valueOf(e.getMessage()).contains("is plain text, which has no columns"));
  }

  private static List<Map<String, Object>> query(Path file, String query) {
    try (RecordReader records = DuckDbRecords.query(file, query)) {
      return all(records);
    }
  }

  private static List<Map<String, Object>> read(Path file, BrokenRecords broken) {
    try (DataFile open = DataFile.open(file);
        RecordReader records = open.records(broken)) {
      return all(records);
    }
  }

  private static List<Map<String, Object>> all(RecordReader records) {
    List<Map<String, Object>> values = new ArrayList<>();
    for (var next = records.next(); next.isPresent(); next = records.next()) {
      values.add(Map.copyOf(next.get().values()));
    }
    return values;
  }

  private Path parquet(String select) throws Exception {
    return ParquetFiles.write(folder.resolve("p.parquet"), select);
  }

  private Path write(String name, String content) throws IOException {
    return Files.writeString(folder.resolve(name), content);
  }
}
