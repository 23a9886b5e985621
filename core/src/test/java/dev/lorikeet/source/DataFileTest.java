package dev.lorikeet.source;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.github.luben.zstd.ZstdOutputStream;
import dev.lorikeet.error.DataException;
import dev.lorikeet.source.DataFile.BrokenRecords;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DataFileTest {
  private static final String LINES = "{\"text\": \"é\"}\n{\"text\": \"b\"}\n";

  @TempDir private Path folder;

  @Test
  void compressedFilesGiveTheSameRecordsWhateverTheyAreCalled() throws IOException {
    for (String name :
        List.of("a.jsonl", "a.jsonl.gz", "a.jsonl.zst", "a.json", "plain", "b.ndjson")) {
      for (byte[] content : List.of(bytes(LINES), gzip(LINES), zstd(LINES))) {
        Path file = write(name, content);
        assertEquals(List.of(Map.of("text", "é"), Map.of("text", "b")), values(file), name);
      }
    }
  }

  @Test
  void severalCompressedPartsAreOneFile() throws IOException {
    ByteArrayOutputStream parts = new ByteArrayOutputStream();
    parts.write(gzip("{\"text\": \"a\"}\n"));
    parts.write(gzip("{\"text\": \"b\"}\n"));
    assertEquals(2, values(write("a.jsonl.gz", parts.toByteArray())).size());
  }

  @Test
  void compressedFilesThatAreCutOffAreToldSo() throws IOException {
    String long1 =
        new Random(1).ints(20_000).mapToObj(i -> "{\"n\": " + i + "}\n").reduce("", String::concat);
    for (byte[] whole : List.of(gzip(long1), zstd(long1))) {
      Path file = write("a.jsonl", Arrays.copyOf(whole, whole.length / 2));
      DataException e = assertThrows(DataException.class, () -> values(file));
      assertTrue(
          String.valueOf(e.getMessage()).startsWith("data file " + file + " is cut off or damaged"),
          e.getMessage());
    }
  }

  @Test
  void theHashIsOfTheFileAndNotOfWhatIsInIt() throws IOException {
    byte[] content = gzip(LINES);
    Path file = write("a.jsonl.gz", content);
    try (DataFile open = DataFile.open(file)) {
      FileHash hash = open.hash();
      assertEquals(content.length, hash.bytes());
      HashingStream expected = new HashingStream(Files.newInputStream(file));
      expected.drain();
      expected.close();
      assertEquals(expected.sha256(), hash.sha256());
      assertEquals("JSON records, gzip", open.words());
    }
  }

  @Test
  void kindsAreToldByNameAndElseByTheBeginning() throws IOException {
    assertKind(FileKind.JSON, "a", "[{}]");
    assertKind(FileKind.JSON, "a", "\uFEFF \n{");
    assertKind(FileKind.JSON, "a.dat", "[\n {}]");
    assertKind(FileKind.TEXT, "a", "[not json");
    assertKind(FileKind.TEXT, "a", "Once upon");
    assertKind(FileKind.TEXT, "a.md", "{}");
    assertKind(FileKind.CSV, "a.CSV", "{}");
    assertKind(FileKind.CSV, "a.tsv.gz", "a\tb");
    assertKind(FileKind.PARQUET, "a", "PAR1....");
    assertKind(FileKind.TEXT, "a", "");
  }

  @Test
  void textIsReadWithLineFeedsAndWithoutMark() throws IOException {
    for (int size : new int[] {2, 3, 5, 64}) {
      Path file = write("a.txt", bytes("\uFEFFa\r\nb\r\r\n\rc\r"));
      try (DataFile open = DataFile.open(file);
          var text = open.text()) {
        StringWriter read = new StringWriter();
        char[] buffer = new char[size];
        for (int count = text.read(buffer); count >= 0; count = text.read(buffer)) {
          read.write(buffer, 0, count);
        }
        assertEquals("a\nb\r\n\rc\r", read.toString());
      }
    }
  }

  @Test
  void everyWrongByteSequenceIsFoundWithItsPlace() throws IOException {
    List<byte[]> wrong =
        List.of(
            new byte[] {(byte) 0xff},
            new byte[] {(byte) 0x80},
            new byte[] {(byte) 0xc0, (byte) 0x80},
            new byte[] {(byte) 0xe0, (byte) 0x80, (byte) 0x80},
            new byte[] {(byte) 0xed, (byte) 0xa0, (byte) 0x80},
            new byte[] {(byte) 0xf4, (byte) 0x90, (byte) 0x80, (byte) 0x80},
            new byte[] {(byte) 0xe2, (byte) 0x82});
    for (byte[] sequence : wrong) {
      ByteArrayOutputStream content = new ByteArrayOutputStream();
      content.write(bytes("ä\n\nb😀"));
      content.write(sequence);
      Path file = write("a.txt", content.toByteArray());
      try (DataFile open = DataFile.open(file)) {
        IOException e =
            assertThrows(IOException.class, () -> open.text().transferTo(new StringWriter()));
        assertEquals(
            "data file " + file + ", line 3 (byte 9): not UTF-8 text; save it as UTF-8",
            open.failure(e).getMessage());
      }
    }
  }

  @Test
  void foldersOfTextsAreListedInTheOrderOfTheirNames() throws IOException {
    Files.createDirectories(folder.resolve("t/sub"));
    Files.createDirectories(folder.resolve("t/.git"));
    for (String name :
        List.of("b.txt", "a.md", "sub/a.txt.gz", ".hidden.txt", ".git/x.txt", "c.png")) {
      Files.writeString(folder.resolve("t").resolve(name), name);
    }
    Path texts = folder.resolve("t");
    assertEquals(
        List.of("a.md", "b.txt", "sub/a.txt.gz"),
        TextFolder.files(texts).stream().map(file -> TextFolder.name(texts, file)).toList());
  }

  private void assertKind(FileKind expected, String name, String content) throws IOException {
    try (DataFile open = DataFile.open(write(name, bytes(content)))) {
      assertEquals(expected, open.kind(), name + ": " + content);
    }
  }

  private static List<Map<String, Object>> values(Path file) {
    List<Map<String, Object>> values = new ArrayList<>();
    try (DataFile open = DataFile.open(file);
        RecordReader records = open.records(BrokenRecords.END)) {
      for (var next = records.next(); next.isPresent(); next = records.next()) {
        values.add(Map.copyOf(next.get().values()));
      }
    }
    return values;
  }

  private Path write(String name, byte[] content) throws IOException {
    return Files.write(folder.resolve(name), content);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] gzip(String text) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (OutputStream out = new GZIPOutputStream(bytes)) {
      out.write(bytes(text));
    }
    return bytes.toByteArray();
  }

  private static byte[] zstd(String text) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (OutputStream out = new ZstdOutputStream(bytes)) {
      out.write(bytes(text));
    }
    return bytes.toByteArray();
  }
}
