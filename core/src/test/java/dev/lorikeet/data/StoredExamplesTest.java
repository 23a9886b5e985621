package dev.lorikeet.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.config.DataSettings.Format;
import dev.lorikeet.config.DataSettings.Loss;
import dev.lorikeet.config.RunConfig;
import dev.lorikeet.error.DataException;
import dev.lorikeet.tokenizer.HfTokenizer;
import dev.lorikeet.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class StoredExamplesTest {
  private static final int RECORDS = 207;

  @TempDir private Path folder;

  @Test
  void theyAreWhatTheEncoderGivesInMemory() throws IOException {
    Path file = records("");
    try (Tokenizer tokenizer = HfTokenizer.open(DataProcess.TINY);
        DataSet data = load(file, tokenizer);
        SampleReader reader = SampleReader.open(file, Format.PROMPT_COMPLETION)) {
      List<Example> plain = new ArrayList<>();
      Encoder encoder = new Encoder(tokenizer, 100_000, PieceStyle.PLAIN, Loss.RESPONSE);
      assertEquals(encoder.encode(reader, plain::add), data.report());
      List<Example> heldOut = new ArrayList<>(data.validation());
      assertEquals(RECORDS / 20, heldOut.size());
      plain.removeAll(heldOut);
      assertEquals(plain, data.train());
      assertEquals(plain, new ArrayList<>(data.train()));
      assertEquals(Fingerprint.of(plain), data.provenance().trainSha256());
      assertEquals(Fingerprint.of(heldOut), data.provenance().validationSha256());
    }
  }

  /** Sorting all of them is the plain way to the same answers. */
  @Test
  void questionsAboutLengthsAreAnsweredAsBySorting() throws IOException {
    try (Tokenizer tokenizer = HfTokenizer.open(DataProcess.TINY);
        DataSet data = load(records(""), tokenizer)) {
      for (Examples examples : List.of(data.train(), Examples.of(List.copyOf(data.train())))) {
        Comparator<Example> byLength = Comparator.comparingInt(Example::length);
        List<Example> sorted = examples.stream().sorted(byLength).toList();
        List<Example> reversed = examples.stream().sorted(byLength.reversed()).toList();
        assertEquals(sorted.getLast().length(), examples.longestLength());
        for (int count : new int[] {1, 2, 13, examples.size()}) {
          assertEquals(reversed.subList(0, count), examples.longest(count));
        }
        assertEquals(reversed, examples.longest(examples.size() + 1));
        int[] ranks = IntStream.range(0, examples.size()).toArray();
        assertEquals(sorted, examples.byLength(ranks));
        assertEquals(List.of(sorted.get(7), sorted.get(3)), examples.byLength(7, 3));
        assertEquals(
            examples.stream().flatMapToInt(e -> Arrays.stream(e.tokens())).max().orElseThrow(),
            examples.highestToken());
      }
      Examples none = Examples.of(List.of());
      assertEquals(List.of(), none.longest(3));
      assertEquals(-1, none.highestToken());
    }
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void closingReleasesEveryFile() throws IOException {
    try (Tokenizer tokenizer = HfTokenizer.open(DataProcess.TINY)) {
      DataSet data = load(records(""), tokenizer);
      Example first = data.train().getFirst();
      assertEquals(3, openFiles(), "the examples and two lists of where they are");
      data.close();
      assertEquals(0, openFiles());
      data.close();
      assertTrue(first.length() > 0);
      IllegalStateException e =
          assertThrows(IllegalStateException.class, () -> data.train().getFirst());
      assertTrue(String.valueOf(e.getMessage()).contains("after they were closed"), e.getMessage());
    }
  }

  @Test
  void anInterruptedReadSaysSo() throws IOException {
    try (Tokenizer tokenizer = HfTokenizer.open(DataProcess.TINY);
        DataSet data = load(records(""), tokenizer)) {
      Thread.currentThread().interrupt();
      DataException e = assertThrows(DataException.class, () -> data.train().getFirst());
      assertTrue(Thread.interrupted(), "the thread still knows of it");
      assertTrue(String.valueOf(e.getMessage()).endsWith(" was interrupted"), e.getMessage());
    }
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void aBadRecordLeavesNoFileOpen() throws IOException {
    Path file = records("{\"prompt\": 7}\n");
    try (Tokenizer tokenizer = HfTokenizer.open(DataProcess.TINY)) {
      DataException e = assertThrows(DataException.class, () -> load(file, tokenizer));
      assertTrue(
          String.valueOf(e.getMessage()).startsWith(file + ", line " + (RECORDS + 1) + " (record "),
          e.getMessage());
      assertEquals(0, openFiles());
    }
  }

  @Test
  void aFolderThatTakesNoFileIsNamed() throws IOException {
    Path file = records("");
    Path missing = folder.resolve("missing");
    RunConfig config = DataProcess.config(file);
    try (Tokenizer tokenizer = HfTokenizer.open(DataProcess.TINY)) {
      DataException e =
          assertThrows(
              DataException.class, () -> DataSet.load(config.data(), 1, tokenizer, missing));
      assertTrue(
          String.valueOf(e.getMessage())
              .startsWith(
                  "the examples of data file %s are encoded into a temporary file in %s, which cannot be made: "
                      .formatted(file, missing.toAbsolutePath())),
          e.getMessage());
    }
  }

  @Test
  @EnabledOnOs({OS.LINUX, OS.MAC})
  void aDiskThatIsFullIsToldWithWhatIsNeeded() throws IOException, InterruptedException {
    Path file = DataProcess.write(folder, 20_000);
    String said = DataProcess.runWithSmallFiles(file, 1_000);
    // 20,000 records take 4.2 MB of tokens, less than half of which may be written.
    assertTrue(
        said.matches(
            "encoding data file \\Q%s\\E into a temporary file in .* failed after 1 MB: .*; it needs about 4 MB there, and \\d+ MB are free; make room, or name a folder on another disk in output\\.dir"
                .formatted(file)),
        said);
  }

  @Test
  void filesThatWereCutOrChangedAreRefused() throws IOException {
    refused(files -> cut(files.examples(), 1), "the file ends after ");
    refused(files -> cut(files.index(), 1), "the file ends after ");
    refused(files -> cut(files.examples(), Integer.MAX_VALUE), "the file ends after 0 bytes");
    refused(files -> write(files.examples(), 17, 1), "its check sum is wrong");
    refused(files -> write(files.index(), 15, 1), "its check sum is wrong");
    refused(files -> write(files.index(), 8, 0x7f), "tokens, expected 1 to 4");
    refused(files -> write(files.index(), 0, 0x80), "it begins at byte -");
  }

  private record Damaged(FileChannel examples, FileChannel index) {}

  private void refused(Consumer<Damaged> damage, String reason) throws IOException {
    Example example = new Example(5, new int[] {9, 8, 7, 6}, 2);
    try (FileChannel examples = channel("examples");
        FileChannel index = channel("index")) {
      ByteBuffer bytes = ExampleBytes.of(example);
      ScratchFile.Appender entries = new ScratchFile(index).appender();
      entries.append(0, 4, StoredExamples.check(bytes));
      entries.flush();
      examples.write(bytes, 0);
      StoredExamples stored =
          new StoredExamples(
              new ScratchFile(examples),
              new ScratchFile(index),
              new StoredExamples.Summary("data file a.jsonl", 1, 4, 9, ""));
      assertEquals(List.of(example), stored);
      damage.accept(new Damaged(examples, index));
      DataException e = assertThrows(DataException.class, stored::getFirst);
      String message = String.valueOf(e.getMessage());
      assertTrue(
          message.startsWith(
              "an example of data file a.jsonl cannot be read back from the temporary file that it was encoded into: "),
          message);
      assertTrue(message.contains(reason), message);
    }
  }

  private FileChannel channel(String name) throws IOException {
    return FileChannel.open(
        folder.resolve(name),
        StandardOpenOption.CREATE,
        StandardOpenOption.READ,
        StandardOpenOption.WRITE,
        StandardOpenOption.DELETE_ON_CLOSE);
  }

  private static void cut(FileChannel channel, int bytes) {
    try {
      channel.truncate(Math.max(0, channel.size() - bytes));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void write(FileChannel channel, int place, int value) {
    try {
      ByteBuffer old = ByteBuffer.allocate(1);
      channel.read(old, place);
      channel.write(ByteBuffer.wrap(new byte[] {(byte) (old.get(0) ^ value)}), place);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Records of all lengths from 3 tokens to several times what is read at once. */
  private Path records(String after) throws IOException {
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < RECORDS; i++) {
      int words = i == 100 ? 60_000 : i % 17;
      lines
          .append("{\"prompt\": \"The tree\", \"completion\": \"")
          .append(i)
          .append(" x".repeat(words))
          .append("\"}\n");
    }
    return Files.writeString(folder.resolve("train.jsonl"), lines + after);
  }

  private DataSet load(Path file, Tokenizer tokenizer) {
    RunConfig config = DataProcess.config(file).with("data.max_seq_len=100000");
    return DataSet.load(config.data(), 1, tokenizer, folder);
  }

  /** Files below the folder that this process holds open, with a name or without. */
  private long openFiles() throws IOException {
    try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
      return open.filter(this::isOurs).count();
    }
  }

  private boolean isOurs(Path descriptor) {
    try {
      return Files.readSymbolicLink(descriptor).toString().contains("/.lorikeet-")
          && Files.readSymbolicLink(descriptor).startsWith(folder.toRealPath());
    } catch (IOException closedMeanwhile) {
      return false;
    }
  }
}
