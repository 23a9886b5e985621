package dev.lorikeet.data;

import dev.lorikeet.config.RunConfig;
import dev.lorikeet.error.DataException;
import dev.lorikeet.tokenizer.HfTokenizer;
import dev.lorikeet.tokenizer.Tokenizer;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A data set that is encoded and gone through once in a process of its own. */
final class DataProcess {
  static final Path TINY = Path.of("src/test/resources/dev/lorikeet/tokenizer/tiny");

  /**
   * All of the heap is touched at the start, so that what it takes does not depend on garbage; the
   * optimising compiler, whose memory differs by 10 MB from run to run, is left out.
   */
  private static final List<String> STEADY =
      List.of(
          "-XX:+UseSerialGC",
          "-Xms32m",
          "-Xmx32m",
          "-XX:+AlwaysPreTouch",
          "-XX:TieredStopAtLevel=1");

  private DataProcess() {}

  /**
   * What it took.
   *
   * @param resident bytes of the process at most
   * @param tokens of the training examples
   * @param nanos of the last time it was encoded
   */
  record Taken(long resident, long tokens, long nanos) {}

  /** Writes {@code records} short records, 42 tokens each with the tiny tokenizer. */
  static Path write(Path folder, int records) throws IOException {
    Path file = folder.resolve(records + ".jsonl");
    try (BufferedWriter out = Files.newBufferedWriter(file)) {
      for (int i = 0; i < records; i++) {
        out.write(
            "{\"prompt\": \"The old tree number %d said\", \"completion\": \" that it sang %d songs\"}\n"
                .formatted(i, i));
      }
    }
    return file;
  }

  /** Writes a text of {@code kibibytes}. */
  static Path writeText(Path folder, int kibibytes) throws IOException {
    Path file = folder.resolve(kibibytes + ".txt");
    try (BufferedWriter out = Files.newBufferedWriter(file)) {
      for (int i = 0; i < kibibytes; i++) {
        String line = "The old tree number %d said that it sang %d songs.\n".formatted(i, 3 * i);
        out.write(line.repeat(1024 / line.length() + 1), 0, 1024);
      }
    }
    return file;
  }

  static RunConfig config(Path file) {
    String format = file.toString().endsWith(".txt") ? "text" : "prompt_completion";
    return RunConfig.of("model", file)
        .with("data.format=" + format, "data.validation=0.05", "data.max_seq_len=128");
  }

  /** Encodes {@code file} and goes through its batches, as often as {@code times}. */
  static Taken run(Path file, int times) throws IOException, InterruptedException {
    String said = said(List.of(), file, times);
    long[] numbers = Arrays.stream(said.split(" ")).mapToLong(Long::parseLong).toArray();
    return new Taken(numbers[0], numbers[1], numbers[2]);
  }

  /** The same in a process in which no file may become larger than {@code kibibytes}. */
  static String runWithSmallFiles(Path file, int kibibytes)
      throws IOException, InterruptedException {
    // Shells count in units of 512 bytes or of 1024; bash does the latter outside its POSIX mode.
    return said(
        List.of("bash", "-c", "ulimit -f " + kibibytes + " && exec \"$0\" \"$@\""), file, 1);
  }

  private static String said(List<String> before, Path file, int times)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(before);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(STEADY);
    command.addAll(
        List.of(
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
            DataProcess.class.getName(),
            file.toString(),
            String.valueOf(times)));
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new IllegalStateException("the process failed: " + said);
    }
    return said.strip();
  }

  public static void main(String[] args) throws IOException {
    Path file = Path.of(args[0]);
    RunConfig config = config(file);
    long tokens = 0;
    long nanos = 0;
    try (Tokenizer tokenizer = HfTokenizer.open(TINY)) {
      for (int time = 0; time < Integer.parseInt(args[1]); time++) {
        long start = System.nanoTime();
        try (DataSet data = DataSet.load(config.data(), 1, tokenizer, file.resolveSibling("."))) {
          nanos = System.nanoTime() - start;
          tokens = epoch(config, data);
        }
      }
    } catch (DataException failure) {
      System.out.println(failure.getMessage());
      return;
    }
    System.out.println(peakResidentBytes() + " " + tokens + " " + nanos);
  }

  private static long epoch(RunConfig config, DataSet data) {
    BatchPlan plan = BatchPlan.of(config, data.train().size());
    Batches batches = new Batches(plan, data.train());
    long tokens = 0;
    for (int step = 0; step < plan.stepsPerEpoch(); step++) {
      tokens += batches.batch(step).tokenCount();
    }
    return tokens;
  }

  private static long peakResidentBytes() throws IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith("VmHWM:"))
        .mapToLong(line -> 1024 * Long.parseLong(line.replaceAll("\\D", "")))
        .findFirst()
        .orElseThrow();
  }
}
