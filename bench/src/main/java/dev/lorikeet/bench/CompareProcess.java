package dev.lorikeet.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Starts what is measured, one process after the other.
 *
 * @param python a Python with torch, transformers and peft
 * @param script the peer
 */
record CompareProcess(String python, Path script) {

  /** One JVM of this project with the flags of this one; its line of JSON. */
  JsonNode own(Class<?> program, List<String> arguments) throws IOException, InterruptedException {
    List<String> command = prefix();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), program.getName()));
    command.addAll(arguments);
    return line(new ProcessBuilder(command));
  }

  /** One process of the peer; its line of JSON. */
  JsonNode peer(List<String> arguments) throws IOException, InterruptedException {
    List<String> command = prefix();
    command.addAll(List.of(python, script.toString()));
    command.addAll(arguments);
    ProcessBuilder process = new ProcessBuilder(command);
    // What Lorikeet's launcher sets for its own threads would slow the peer's.
    process.environment().keySet().removeIf(name -> name.startsWith("OPENBLAS_"));
    return line(process);
  }

  /** What the peer is made of: versions, BLAS, threads. */
  String peerVersions() throws IOException, InterruptedException {
    String program =
        """
        import os, torch, transformers, peft
        mkl = "MKL" if torch.backends.mkl.is_available() else "no MKL"
        print(f"torch {torch.__version__} ({mkl}), transformers {transformers.__version__},",
              f"peft {peft.__version__}, {os.cpu_count()} threads")
        """;
    Process process =
        new ProcessBuilder(python, "-c", program)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    process.waitFor();
    return text.strip();
  }

  /** Seconds from the start of the launcher until it prints a line that begins so. */
  double launched(String beginning, String... arguments) throws IOException, InterruptedException {
    List<String> command = prefix();
    command.add(System.getProperty("lorikeet.launcher"));
    command.addAll(Arrays.asList(arguments));
    long start = System.nanoTime();
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    double seconds = Double.NaN;
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (Double.isNaN(seconds) && !beginning.isEmpty() && line.startsWith(beginning)) {
          seconds = (System.nanoTime() - start) * 1e-9;
        }
      }
    }
    if (process.waitFor() != 0) {
      throw new IOException(String.join(" ", command) + " failed");
    }
    return beginning.isEmpty() ? (System.nanoTime() - start) * 1e-9 : seconds;
  }

  /** What the user has set before every measured command, as in {@code taskset -c 0,1}. */
  private static List<String> prefix() {
    String words = System.getenv().getOrDefault("LORIKEET_BENCH_PREFIX", "").strip();
    return new ArrayList<>(words.isEmpty() ? List.of() : List.of(words.split("\\s+")));
  }

  private static JsonNode line(ProcessBuilder builder) throws IOException, InterruptedException {
    double start = System.currentTimeMillis() * 1e-3;
    Process process = builder.redirectError(ProcessBuilder.Redirect.DISCARD).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new IOException("failed: " + String.join(" ", builder.command()) + "\n" + output);
    }
    String text = output.lines().filter(each -> each.startsWith("{")).toList().getLast();
    System.err.println("  " + text);
    ObjectNode line = (ObjectNode) JsonMapper.shared().readTree(text);
    if (line.has("ready")) {
      line.put("ready", line.path("ready").asDouble() - start);
    }
    return line;
  }
}
