package dev.lorikeet.cli;

import dev.lorikeet.cli.Table.Column;
import dev.lorikeet.config.AdapterSettings;
import dev.lorikeet.config.AdapterSettings.Technique;
import dev.lorikeet.config.Recipe;
import dev.lorikeet.config.RunConfig;
import dev.lorikeet.job.FineTuneOptions;
import dev.lorikeet.job.FineTuneResult;
import dev.lorikeet.job.FineTuning;
import dev.lorikeet.job.RunListener.Start;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import java.util.function.DoubleUnaryOperator;
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

  @Override
  public Integer call() {
    RunConfig config = Recipe.load(recipe, overrides);
    Progress progress = new Progress(console);
    progress.say("fine-tuning " + config.model().path() + " with " + technique(config));
    FineTuneOptions options =
        new FineTuneOptions(
            Optional.ofNullable(out), commandLine(), Version.current().byName(), console.clock());
    FineTuneResult result = run(config, options, progress);
    if (json.wanted()) {
      console.json(document(config, result, progress));
    } else {
      print(config, result, progress);
    }
    return 0;
  }

  private static FineTuneResult run(RunConfig config, FineTuneOptions options, Progress progress) {
    try {
      return FineTuning.run(config, options, progress);
    } finally {
      progress.end();
    }
  }

  private List<String> commandLine() {
    List<String> words = new ArrayList<>();
    words.add("lorikeet");
    words.addAll(spec.root().commandLine().getParseResult().originalArgs());
    return words;
  }

  private static String technique(RunConfig config) {
    AdapterSettings adapter = config.adapter();
    return adapter.technique() == Technique.FULL
        ? "full training of "
            + adapter
                .train()
                .map(chosen -> chosen.words() + " only")
                .or(() -> adapter.freeze().map(frozen -> "all weights but " + frozen.words()))
                .orElse("all weights")
        : "%s, r %d on %s"
            .formatted(
                adapter.technique().spelling(), adapter.r(), adapter.targetModules().words());
  }

  /** The command that shows what was learned. */
  private static String next(RunConfig config, FineTuneResult result) {
    boolean full = config.adapter().technique() == Technique.FULL;
    String model = full ? result.output().toString() : config.model().path();
    String adapter = full ? "" : " --adapter " + ShellWord.of(result.output().toString());
    return "lorikeet generate --model "
        + ShellWord.of(model)
        + adapter
        + QuantizationOptions.of(config)
        + " --prompt '...'";
  }

  private static Map<String, Object> document(
      RunConfig config, FineTuneResult result, Progress progress) {
    Start start = progress.start().orElseThrow();
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("run", result.runId());
    json.put("directory", result.directory().toString());
    json.put("output", result.output().toString());
    json.put("model", config.model().path());
    json.put("technique", config.adapter().technique().spelling());
    json.put("trainable_parameters", start.trainableParameters());
    json.put("total_parameters", start.totalParameters());
    json.put("train_examples", start.trainExamples());
    json.put("validation_examples", start.validationExamples());
    json.put("steps", result.steps());
    json.put("train_loss", result.trainLoss());
    put(json, "before", result.validationBefore());
    put(json, "after", result.validationAfter());
    json.put("seconds", result.time().toMillis() / 1e3);
    json.put("tokens", result.tokens());
    json.put("tokens_per_second", progress.tokensPerSecond());
    json.put("peak_bytes", result.peakBytes());
    result.peakResidentBytes().ifPresent(bytes -> json.put("peak_resident_bytes", bytes));
    json.put("notices", progress.notices());
    json.put("next", next(config, result));
    return json;
  }

  private static void put(Map<String, Object> json, String when, OptionalDouble loss) {
    loss.ifPresent(value -> {
      json.put("validation_loss_" + when, value);
      json.put("perplexity_" + when, Math.exp(value));
    });
  }

  private void print(RunConfig config, FineTuneResult result, Progress progress) {
    Table facts = new Table(Column.left("run"), Column.left(result.runId()));
    facts.row(
        "took",
        "%s, %s"
            .formatted(
                Amounts.duration(result.time()),
                Amounts.tokensPerSecond(progress.tokensPerSecond())));
    facts.row("training loss", RunText.number(result.trainLoss()));
    if (result.validationAfter().isPresent()) {
      facts.row("validation loss", change(result, loss -> loss));
      facts.row("perplexity", change(result, Math::exp));
    }
    String resident =
        result.peakResidentBytes().isPresent()
            ? ", %s the whole process"
                .formatted(Amounts.bytes(result.peakResidentBytes().getAsLong()))
            : "";
    facts.row("peak memory", Amounts.bytes(result.peakBytes()) + " tensors" + resident);
    facts.row("folder", result.directory().toString());
    facts.row(
        config.adapter().technique() == Technique.FULL ? "model" : "adapter",
        result.output().toString());
    console.result(facts.toString());
    console.result("");
    console.result("Next: " + next(config, result));
  }

  private static String change(FineTuneResult result, DoubleUnaryOperator measure) {
    return "%s before, %s after"
        .formatted(
            RunText.number(measure.applyAsDouble(result.validationBefore().orElseThrow())),
            RunText.number(measure.applyAsDouble(result.validationAfter().orElseThrow())));
  }
}
