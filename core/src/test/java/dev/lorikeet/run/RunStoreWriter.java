package dev.lorikeet.run;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;

/** Another process that writes: enters a run, prints its id, and adds steps until it is killed. */
final class RunStoreWriter {
  private static final int MOST_STEPS = 100_000;

  private RunStoreWriter() {}

  static Process start(Path outputDir) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
            RunStoreWriter.class.getName(),
            outputDir.toString())
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  public static void main(String[] args) throws InterruptedException {
    Path outputDir = Path.of(args[0]);
    RunDirectory directory = RunDirectory.create(outputDir, "lora", "nano", Runs.CLOCK);
    try (RunStore store = RunStore.open(outputDir, Runs.CLOCK)) {
      String id = store.create(directory, "lora", "nano", Runs.RECIPE, Map.of()).id();
      store.append(id, Runs.row(1, 1.0));
      System.out.println(id);
      for (int step = 2; step <= MOST_STEPS; step++) {
        store.append(id, Runs.row(step, 1.0));
        Thread.sleep(1);
      }
    }
  }
}
