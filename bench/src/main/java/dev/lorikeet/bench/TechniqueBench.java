package dev.lorikeet.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Step time and memory of every technique, beside PEFT's in the same run: 4 sequences of 512
 * tokens, rank 8 on all linear layers, float32. Each measurement is a process of its own;
 * techniques take turns, so that what disturbs the machine disturbs all. Prints a Markdown table.
 */
public final class TechniqueBench {
  private static final int TOKENS = 4 * 512;
  private static final double GIBI = 1L << 30;

  private final Path work;
  private final int steps;
  private final Map<String, List<JsonNode>> results = new LinkedHashMap<>();

  private TechniqueBench(Path work, int steps) {
    this.work = work;
    this.steps = steps;
  }

  /**
   * Arguments: work folder, steps a process, rounds, and where PEFT is to be measured too, the
   * Python to use and the script.
   */
  public static void main(String[] args) throws IOException, InterruptedException {
    TechniqueBench bench = new TechniqueBench(Path.of(args[0]), Integer.parseInt(args[1]));
    BenchModel.prepare(bench.work);
    for (int round = Integer.parseInt(args[2]); round > 0; round--) {
      for (String technique : List.of("lora", "dora", "qlora", "qdora", "full")) {
        bench.measure(
            technique, own(bench.work, bench.steps, List.of("adapter.technique=" + technique)));
      }
      bench.measure(
          "lora, recompute", own(bench.work, bench.steps, List.of("train.recompute=true")));
      bench.measure(
          "dora, recompute",
          own(bench.work, bench.steps, List.of("adapter.technique=dora", "train.recompute=true")));
      if (args.length > 4) {
        for (String technique : List.of("lora", "dora", "full")) {
          bench.measure(
              "PEFT " + technique,
              List.of(args[3], args[4], technique, String.valueOf(bench.steps)));
        }
      }
    }
    bench.print();
  }

  private static List<String> own(Path work, int steps, List<String> overrides) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(OneRun.class.getName(), work.toString(), String.valueOf(steps)));
    command.addAll(overrides);
    return command;
  }

  private void measure(String what, List<String> command) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new UncheckedIOException(new IOException(what + " failed: " + output));
    }
    String line = output.lines().filter(text -> text.startsWith("{")).toList().getLast();
    System.err.println(what + " " + line);
    results.computeIfAbsent(what, any -> new ArrayList<>()).add(JsonMapper.shared().readTree(line));
  }

  private void print() {
    System.out.println(
        "| technique | trainable parameters | step, s | tokens/s | time / LoRA | tensors, GiB | process, GiB |");
    System.out.println("|---|---|---|---|---|---|---|");
    double lora = seconds(runs("lora"));
    results.keySet().forEach(what -> System.out.println(row(what, runs(what), lora)));
  }

  private List<JsonNode> runs(String what) {
    return results.getOrDefault(what, List.of());
  }

  private static String row(String what, List<JsonNode> runs, double lora) {
    double seconds = seconds(runs);
    long tensors = largest(runs, "peak_bytes");
    return String.format(
        Locale.ROOT,
        "| %s | %,d | %.2f | %.0f | %.2f | %s | %.2f |",
        what,
        runs.getFirst().path("trainable").asLong(),
        seconds,
        TOKENS / seconds,
        seconds / lora,
        tensors == 0 ? "–" : String.format(Locale.ROOT, "%.2f", tensors / GIBI),
        largest(runs, "peak_resident_bytes") / GIBI);
  }

  private static double seconds(List<JsonNode> runs) {
    double[] all =
        runs.stream()
            .flatMap(run -> run.path("steps").valueStream())
            .mapToDouble(JsonNode::asDouble)
            .sorted()
            .toArray();
    return Stream.of(all[(all.length - 1) / 2], all[all.length / 2])
        .mapToDouble(Double::doubleValue)
        .average()
        .orElseThrow();
  }

  private static long largest(List<JsonNode> runs, String key) {
    return runs.stream().mapToLong(run -> run.path(key).asLong()).max().orElse(0);
  }
}
