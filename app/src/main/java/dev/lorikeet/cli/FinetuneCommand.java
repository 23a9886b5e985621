package dev.lorikeet.cli;

import dev.lorikeet.config.Recipe;
import dev.lorikeet.config.RunConfig;
import dev.lorikeet.hub.HubClient;
import dev.lorikeet.hub.HubSettings;
import dev.lorikeet.hub.RepoReference;
import dev.lorikeet.job.FineTuneOptions;
import dev.lorikeet.job.FineTuneResult;
import dev.lorikeet.job.FineTuning;
import dev.lorikeet.job.HubModel;
import dev.lorikeet.job.StopSignal;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lorikeet finetune RECIPE.yaml}. */
@Command(
    name = "finetune",
    description = "Fine-tunes a model by a recipe and keeps the run.",
    footer = {
      "",
      "The smallest recipe:",
      "  model: {path: MODEL_FOLDER}",
      "  data:  {train: RECORDS.json}"
    })
final class FinetuneCommand implements Callable<Integer> {
  private final Console console;
  @Mixin private JsonOption json = new JsonOption();
  @Mixin private HubOptions hub = new HubOptions();
  @Spec private CommandSpec spec = CommandSpec.create();

  @Parameters(paramLabel = "RECIPE.yaml", description = "The recipe.")
  private Path recipe = Path.of("");

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "Change a key of the recipe, as in train.epochs=2; may be repeated.")
  private List<String> overrides = new ArrayList<>();

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description =
          "Exactly this folder, absent or empty, for the run; otherwise a new one in output.dir.")
  private @Nullable Path out;

  FinetuneCommand(Console console) {
    this.console = console;
  }

  /** Gets the model of a hub before anything else, while Ctrl-C still ends the process. */
  private Supplier<HubSettings> requireModel(RunConfig config) {
    Optional<RepoReference> reference = HubModel.reference(config.model());
    if (reference.isPresent()) {
      HubProgress progress = new HubProgress(console, reference.get().toString());
      try {
        new HubClient(hub.settings(console)).require(reference.get(), progress);
      } finally {
        progress.end();
      }
    }
    return () -> hub.settings(console);
  }

  @Override
  public Integer call() {
    RunConfig config = Recipe.load(recipe, overrides);
    Progress progress = new Progress(console);
    progress.say(
        "fine-tuning " + config.model().name() + " with " + TrainingReport.technique(config));
    Supplier<HubSettings> settings = requireModel(config);
    StopSignal stop = new StopSignal();
    try (Interruption interruption = Interruption.catching(stop, progress)) {
      FineTuneOptions options =
          new FineTuneOptions(
                  Optional.ofNullable(out),
                  TrainingReport.commandLine(spec),
                  Version.current().byName(),
                  console.clock())
              .stoppedBy(stop)
              .from(settings);
      FineTuneResult result = FineTuning.run(config, options, progress);
      progress.end();
      new TrainingReport(config, result, progress, config.output().dir())
          .show(console, json.wanted());
      return interruption.exitCode(result);
    } finally {
      progress.end();
    }
  }
}
