package dev.lorikeet.cli;

import dev.lorikeet.cli.Table.Column;
import dev.lorikeet.config.AdapterSettings;
import dev.lorikeet.config.AdapterSettings.Technique;
import dev.lorikeet.config.RunConfig;
import dev.lorikeet.job.FineTuneResult;
import dev.lorikeet.job.FineTuneResult.Best;
import dev.lorikeet.job.FineTuneResult.End;
import dev.lorikeet.job.LoftqBase;
import dev.lorikeet.job.RunListener.Start;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.DoubleUnaryOperator;
import picocli.CommandLine.Model.CommandSpec;

/**
 * What a command tells at the end of a training.
 *
 * @param config recipe of the run
 * @param result what came out
 * @param progress what was told meanwhile
 * @param outputDir folder with the index of runs
 */
record TrainingReport(RunConfig config, FineTuneResult result, Progress progress, Path outputDir) {

  /** The words of the call, for a run's record. */
  static List<String> commandLine(CommandSpec spec) {
    List<String> words = new ArrayList<>();
    words.add("lorikeet");
    words.addAll(spec.root().commandLine().getParseResult().originalArgs());
    return words;
  }

  /** What is trained, in words. */
  static String technique(RunConfig config) {
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

  /** Prints the result as a document or for people. */
  void show(Console console, boolean json) {
    if (json) {
      console.json(document());
    } else {
      print(console);
    }
  }

  private boolean stopped() {
    return result.ending().end() == End.STOPPED;
  }

  /** The command that goes on, or that shows what was learned. */
  private String next() {
    if (stopped()) {
      String dir =
          outputDir.equals(Path.of("runs")) ? "" : " --dir " + ShellWord.of(outputDir.toString());
      return "lorikeet resume " + ShellWord.of(result.runId()) + dir;
    }
    return generate(config, result);
  }

  /** The command that shows what was learned. */
  static String generate(RunConfig config, FineTuneResult result) {
    boolean full = config.adapter().technique() == Technique.FULL;
    Optional<Path> base = LoftqBase.folder(config, result.directory());
    String adapted = base.map(Path::toString).orElse(config.model().name());
    String model = full ? result.output().toString() : adapted;
    String adapter = full ? "" : " --adapter " + ShellWord.of(result.output().toString());
    return "lorikeet generate --model "
        + ShellWord.of(model)
        + adapter
        + (base.isPresent() ? "" : QuantizationOptions.of(config))
        + " --prompt '...'";
  }

  private Map<String, Object> document() {
    Start start = progress.start().orElseThrow();
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("run", result.runId());
    json.put("directory", result.directory().toString());
    json.put("output", result.output().toString());
    json.put("model", config.model().name());
    json.put("technique", config.adapter().technique().spelling());
    json.put("end", result.ending().end().name().toLowerCase(Locale.ROOT));
    json.put("trainable_parameters", start.trainableParameters());
    json.put("total_parameters", start.totalParameters());
    json.put("train_examples", start.trainExamples());
    json.put("validation_examples", start.validationExamples());
    json.put("steps", result.steps());
    json.put("skipped_steps", result.ending().skippedSteps());
    if (Double.isFinite(result.trainLoss())) {
      json.put("train_loss", result.trainLoss());
    }
    put(json, "before", result.validationBefore(), result.accuracyBefore());
    put(json, "after", result.validationAfter(), result.accuracyAfter());
    result
        .ending()
        .best()
        .ifPresent(best -> {
          json.put("best_step", best.step());
          json.put("best_validation_loss", best.validationLoss());
          json.put("best_checkpoint", best.checkpoint().toString());
        });
    result.ending().checkpoint().ifPresent(last -> json.put("checkpoint", last.toString()));
    json.put("seconds", result.time().toMillis() / 1e3);
    json.put("tokens", result.tokens());
    json.put("tokens_per_second", progress.tokensPerSecond());
    json.put("peak_bytes", result.peakBytes());
    result.peakReservedBytes().ifPresent(bytes -> json.put("peak_reserved_bytes", bytes));
    result.peakResidentBytes().ifPresent(bytes -> json.put("peak_resident_bytes", bytes));
    json.put("notices", progress.notices());
    json.put("next", next());
    return json;
  }

  private static void put(
      Map<String, Object> json, String when, OptionalDouble loss, OptionalDouble accuracy) {
    loss.ifPresent(value -> {
      json.put("validation_loss_" + when, value);
      json.put("perplexity_" + when, Math.exp(value));
    });
    accuracy.ifPresent(value -> json.put("validation_accuracy_" + when, value));
  }

  private void print(Console console) {
    Table facts = new Table(Column.left("run"), Column.left(result.runId()));
    if (stopped()) {
      facts.row("stopped", "after step " + result.steps());
    }
    if (result.ending().end() == End.EARLY) {
      facts.row(
          "stopped early",
          "after step %d: the validation loss fell no more".formatted(result.steps()));
    }
    facts.row(
        "took",
        "%s, %s"
            .formatted(
                Amounts.duration(result.time()),
                Amounts.tokensPerSecond(progress.tokensPerSecond())));
    facts.row("training loss", RunText.number(result.trainLoss()));
    if (result.ending().skippedSteps() > 0) {
      facts.row("skipped steps", Long.toString(result.ending().skippedSteps()));
    }
    if (result.validationAfter().isPresent() && result.validationBefore().isPresent()) {
      facts.row("validation loss", change(loss -> loss));
      facts.row("perplexity", change(Math::exp));
      facts.row(
          "accuracy",
          "%s before, %s after"
              .formatted(
                  Amounts.percent(result.accuracyBefore().orElseThrow()),
                  Amounts.percent(result.accuracyAfter().orElseThrow())));
    }
    facts.row("peak memory", memory(result));
    facts.row("folder", result.directory().toString());
    result.ending().best().ifPresent(best -> facts.row("best", best(best)));
    facts.row(
        config.adapter().technique() == Technique.FULL ? "model" : "adapter",
        result.output().toString());
    console.result(facts.toString());
    console.result("");
    console.result((stopped() ? "Go on: " : "Next: ") + next());
  }

  private static String best(Best best) {
    return "step %d, validation loss %s, %s"
        .formatted(best.step(), RunText.number(best.validationLoss()), best.checkpoint());
  }

  /** The most memory that was in use: of tensors or of a GPU, and of the process. */
  static String memory(FineTuneResult result) {
    String bytes = Amounts.bytes(result.peakBytes());
    String device =
        result.peakReservedBytes().isPresent()
            ? "%s on the GPU (%s reserved)"
                .formatted(bytes, Amounts.bytes(result.peakReservedBytes().getAsLong()))
            : bytes + " tensors";
    return result.peakResidentBytes().isPresent()
        ? "%s, %s the whole process"
            .formatted(device, Amounts.bytes(result.peakResidentBytes().getAsLong()))
        : device;
  }

  private String change(DoubleUnaryOperator measure) {
    return "%s before, %s after"
        .formatted(
            RunText.number(measure.applyAsDouble(result.validationBefore().orElseThrow())),
            RunText.number(measure.applyAsDouble(result.validationAfter().orElseThrow())));
  }
}
