package dev.lorikeet.cli;

import dev.lorikeet.config.Recipe;
import dev.lorikeet.config.RunConfig;
import dev.lorikeet.job.FineTuneOptions;
import dev.lorikeet.job.FineTuneResult;
import dev.lorikeet.job.FineTuning;
import dev.lorikeet.job.ResumeRequest;
import dev.lorikeet.job.ResumeRequest.Changes;
import dev.lorikeet.job.StopSignal;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lorikeet resume RUN}. */
@Command(
    name = "resume",
    description =
        "Goes on with a run that was stopped, killed or failed, from its last checkpoint.",
    footer = {
      "",
      "A run that goes on gives the bytes that it would have given without the pause, on the same",
      "machine and number of threads. A finished run trains on with more epochs:",
      "  lorikeet resume RUN --set train.epochs=4 --allow-changes"
    })
final class ResumeCommand implements Callable<Integer> {
  private final Console console;
  @Mixin private JsonOption json = new JsonOption();
  @Mixin private HubOptions hub = new HubOptions();
  @Spec private CommandSpec spec = CommandSpec.create();

  @Parameters(paramLabel = "RUN", description = "The run's id, or the beginning of it.")
  private String run = "";

  @Option(
      names = "--dir",
      paramLabel = "DIR",
      defaultValue = "runs",
      description = "The output folder that holds the runs (default: ${DEFAULT-VALUE}).")
  private Path dir = Path.of("runs");

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "Change a key of the recipe, as in train.epochs=2; may be repeated.")
  private List<String> overrides = new ArrayList<>();

  @Option(
      names = "--allow-changes",
      description =
          "Go on although recipe, data, model, threads or BLAS are not those of before: the result"
              + " is then another one.")
  private boolean allowChanges;

  ResumeCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    Progress progress = new Progress(console);
    StopSignal stop = new StopSignal();
    try (Interruption interruption = Interruption.catching(stop, progress)) {
      FineTuneOptions options =
          new FineTuneOptions(
                  Optional.empty(),
                  TrainingReport.commandLine(spec),
                  Version.current().byName(),
                  console.clock())
              .stoppedBy(stop)
              .from(() -> hub.settings(console));
      ResumeRequest request =
          new ResumeRequest(dir, run, overrides, allowChanges ? Changes.ALLOW : Changes.REFUSE);
      Optional<FineTuneResult> result = FineTuning.resume(request, options, progress);
      progress.end();
      if (result.isEmpty()) {
        tellFinished();
        return 0;
      }
      RunConfig config = Recipe.load(result.get().directory().resolve("recipe.yaml"), List.of());
      new TrainingReport(config, result.get(), progress, dir).show(console, json.wanted());
      return interruption.exitCode(result.get());
    } finally {
      progress.end();
    }
  }

  private void tellFinished() {
    if (json.wanted()) {
      Map<String, Object> document = new LinkedHashMap<>();
      document.put("run", run);
      document.put("end", "finished before");
      console.json(document);
    } else {
      console.result(
          "Run "
              + run
              + " is finished. To train it on, give it more steps, as in: lorikeet resume "
              + ShellWord.of(run)
              + " --set train.epochs=N --allow-changes");
    }
  }
}
