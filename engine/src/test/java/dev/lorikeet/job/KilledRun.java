package dev.lorikeet.job;

import dev.lorikeet.config.Recipe;
import dev.lorikeet.fixture.JavaProcess;
import dev.lorikeet.train.StepReport;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** A training in a process of its own, for whoever wants to kill it. */
final class KilledRun {
  private KilledRun() {}

  /**
   * Begins the run of {@code recipe}; the process prints a line when it has the run, then a step.
   */
  static Process begin(Path recipe) throws IOException {
    return start("begin", recipe.toString());
  }

  /** Goes on with a run of {@code outputDir}. */
  static Process resume(Path outputDir, String run) throws IOException {
    return start("resume", outputDir.toString(), run);
  }

  private static Process start(String... args) throws IOException {
    return JavaProcess.of(KilledRun.class, List.of("-XX:+UseSerialGC"), args)
        .redirectError(ProcessBuilder.Redirect.DISCARD)
        .start();
  }

  public static void main(String[] args) {
    if (args[0].equals("begin")) {
      FineTuning.run(
          Recipe.load(Path.of(args[1]), List.of()), FineTuneOptions.defaults(), new Steps());
    } else {
      FineTuning.resume(
          ResumeRequest.of(Path.of(args[1]), args[2]), FineTuneOptions.defaults(), new Steps());
    }
  }

  private static final class Steps implements RunListener {
    @Override
    public void started(Start start) {
      say("run " + start.runId());
    }

    @Override
    public void step(StepReport report, Start start, Duration left) {
      say("step " + report.step());
    }

    private static void say(String line) {
      System.out.println(line);
      System.out.flush();
    }
  }
}
