package dev.lorikeet.cli;

import dev.lorikeet.config.RunConfig;
import dev.lorikeet.eval.ExactMatch;
import dev.lorikeet.eval.ExactMatch.Answer;
import dev.lorikeet.job.FineTuneOptions;
import dev.lorikeet.job.FineTuneResult;
import dev.lorikeet.job.FineTuneResult.End;
import dev.lorikeet.job.Quickstart;
import dev.lorikeet.job.StopSignal;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code lorikeet quickstart}. */
@Command(
    name = "quickstart",
    description =
        "Fine-tunes the embedded model on the embedded data set, and tests it before and after.",
    footer = {
      "",
      "The model is nano, a small Llama that this project trained itself. The data set turns",
      "customer messages into JSON tickets. Nothing is downloaded."
    })
final class QuickstartCommand implements Callable<Integer> {
  private static final int EXAMPLES = 3;

  private final Console console;
  @Mixin private JsonOption json = new JsonOption();
  @Spec private CommandSpec spec = CommandSpec.create();

  @Option(
      names = "--dir",
      paramLabel = "DIR",
      defaultValue = "runs",
      description = "Folder for the data set and the run (default: ${DEFAULT-VALUE}).")
  private Path directory = Path.of("runs");

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "Change a key of the recipe, as in train.epochs=1; may be repeated.")
  private List<String> overrides = new ArrayList<>();

  QuickstartCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    long start = System.nanoTime();
    Quickstart quickstart = Quickstart.prepare(directory, overrides);
    Progress progress = new Progress(console);
    progress.say("asking the untouched nano the test messages");
    ExactMatch.Result base = quickstart.askUntouched();
    progress.say(
        "untouched model: "
            + score(base)
            + ", "
            + Amounts.duration(Duration.ofNanos(System.nanoTime() - start)));
    StopSignal stop = new StopSignal();
    FineTuneResult training;
    // Only training has something to lose: before and after it a signal ends the process at once.
    try (Interruption interruption = Interruption.catching(stop, progress)) {
      training = quickstart.tune(options().stoppedBy(stop), progress);
      if (training.ending().end() == End.STOPPED) {
        progress.end();
        new TrainingReport(quickstart.config(), training, progress, directory)
            .show(console, json.wanted());
        return interruption.exitCode(training);
      }
    } finally {
      progress.end();
    }
    Outcome outcome =
        new Outcome(
            quickstart.config(),
            base,
            quickstart.askTuned(training),
            training,
            Duration.ofNanos(System.nanoTime() - start));
    if (json.wanted()) {
      console.json(document(outcome));
    } else {
      print(outcome, progress);
    }
    return 0;
  }

  private FineTuneOptions options() {
    return new FineTuneOptions(
        Optional.empty(),
        TrainingReport.commandLine(spec),
        Version.current().byName(),
        console.clock());
  }

  /** What came out: the answers before and after, the fine-tuning, and the time of everything. */
  private record Outcome(
      RunConfig config,
      ExactMatch.Result base,
      ExactMatch.Result tuned,
      FineTuneResult training,
      Duration total) {}

  private static String score(ExactMatch.Result result) {
    return String.format(
        Locale.ROOT,
        "%d of %d right (%.1f %% ± %.1f)",
        result.correct(),
        result.answers().size(),
        100 * result.score(),
        100 * result.standardError());
  }

  private void print(Outcome outcome, Progress progress) {
    for (int i = 0; i < Math.min(EXAMPLES, outcome.tuned().answers().size()); i++) {
      Answer before = outcome.base().answers().get(i);
      Answer after = outcome.tuned().answers().get(i);
      console.result(before.item().prompt());
      console.result("  before   " + oneLine(before.text()));
      console.result("  after    " + oneLine(after.text()));
      console.result("  expected " + before.item().expected().strip());
      console.result("");
    }
    FineTuneResult training = outcome.training();
    console.result("exact match on the test messages");
    console.result("  before   " + score(outcome.base()));
    console.result("  after    " + score(outcome.tuned()));
    console.result(
        "took       %s, of it training %s at %s"
            .formatted(
                Amounts.duration(outcome.total()),
                Amounts.duration(training.time()),
                Amounts.tokensPerSecond(progress.tokensPerSecond())));
    console.result("memory     " + TrainingReport.memory(training));
    console.result("run        " + training.directory());
    console.result("");
    console.result("Next: " + TrainingReport.generate(outcome.config(), training));
  }

  private static String oneLine(String text) {
    return text.strip().replace("\n", "\\n");
  }

  private static Map<String, Object> document(Outcome outcome) {
    FineTuneResult training = outcome.training();
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("exact_match_before", outcome.base().score());
    document.put("exact_match_after", outcome.tuned().score());
    document.put("standard_error_after", outcome.tuned().standardError());
    document.put("test_messages", outcome.tuned().answers().size());
    List<Map<String, Object>> examples = new ArrayList<>();
    for (int i = 0; i < Math.min(EXAMPLES, outcome.tuned().answers().size()); i++) {
      Answer after = outcome.tuned().answers().get(i);
      Map<String, Object> example = new LinkedHashMap<>();
      example.put("prompt", after.item().prompt());
      example.put("before", outcome.base().answers().get(i).text());
      example.put("after", after.text());
      example.put("expected", after.item().expected());
      examples.add(example);
    }
    document.put("examples", examples);
    document.put("seconds", outcome.total().toMillis() / 1e3);
    document.put("training_seconds", training.time().toMillis() / 1e3);
    training.validationBefore().ifPresent(v -> document.put("validation_loss_before", v));
    training.validationAfter().ifPresent(v -> document.put("validation_loss_after", v));
    document.put("train_loss", training.trainLoss());
    document.put("peak_bytes", training.peakBytes());
    training.peakReservedBytes().ifPresent(v -> document.put("peak_reserved_bytes", v));
    training.peakResidentBytes().ifPresent(v -> document.put("peak_resident_bytes", v));
    document.put("run", training.runId());
    document.put("directory", training.directory().toString());
    document.put("output", training.output().toString());
    return document;
  }
}
