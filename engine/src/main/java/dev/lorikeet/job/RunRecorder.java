package dev.lorikeet.job;

import dev.lorikeet.config.ModelSettings.Quantization;
import dev.lorikeet.config.RunConfig;
import dev.lorikeet.data.DataSet;
import dev.lorikeet.format.AtomicFolder;
import dev.lorikeet.job.FineTuneResult.End;
import dev.lorikeet.job.FineTuneResult.Ending;
import dev.lorikeet.run.MetricsRow;
import dev.lorikeet.run.RunDirectory;
import dev.lorikeet.run.RunJournal;
import dev.lorikeet.run.RunRecord;
import dev.lorikeet.run.RunRecord.Artefact;
import dev.lorikeet.run.RunRecord.Level;
import dev.lorikeet.run.RunStatus;
import dev.lorikeet.run.RunStore;
import dev.lorikeet.torch.Device;
import dev.lorikeet.train.Evaluation;
import dev.lorikeet.train.StepReport;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/** Writes down what a run does: its folder, its journal and its place in the index. */
final class RunRecorder implements AutoCloseable {
  private final Device device;
  private final RunDirectory directory;
  private final RunStore store;
  private final RunJournal journal;
  private final RunRecord record;
  private final ProcessUsage usage = new ProcessUsage();

  /**
   * The record of a new run.
   *
   * @param config as it is run
   * @param provenance what its numbers depend on
   */
  RunRecorder(
      RunConfig config, FineTuneOptions options, Map<String, Object> provenance, Device device) {
    this.device = device;
    String technique = config.adapter().technique().spelling();
    String model = modelName(config);
    directory =
        options.out().isPresent()
            ? RunDirectory.createAt(options.out().get(), technique, model, options.clock())
            : RunDirectory.create(config.output().dir(), technique, model, options.clock());
    directory.writeRecipe(config.toYaml());
    directory.writeProvenance(provenance);
    journal = directory.openJournal(options.clock());
    store = RunStore.open(config.output().dir(), options.clock());
    record = store.create(directory, technique, model, config.toYaml(), provenance);
    journal.log("started " + record.id());
  }

  /**
   * Goes on with the record of a run: what came after its checkpoint is cut, as it will come again.
   *
   * @param config as it is run from now on
   * @param now what its numbers depend on from now on
   * @param changes what is different from before, for the record
   */
  RunRecorder(
      Resumption resumption,
      RunConfig config,
      FineTuneOptions options,
      Map<String, Object> now,
      Device device,
      List<String> changes) {
    this.device = device;
    record = resumption.run();
    directory = RunDirectory.existing(record);
    String recipe = config.toYaml();
    Map<String, Object> provenance = new LinkedHashMap<>(now);
    provenance.put("command_line", record.provenance().get("command_line"));
    resumption
        .earlierChoice(config)
        .ifPresent(choice -> provenance.putIfAbsent(StepFit.RECORD, choice));
    provenance.put("resumed", resumption.history(options.commandLine(), changes));
    store = RunStore.open(resumption.request().outputDir(), options.clock());
    try {
      store.takeUp(record, resumption.step(), recipe, provenance);
      AtomicFolder.tidy(directory.path());
      AtomicFolder.tidy(directory.checkpoints());
      directory.cutMetrics(resumption.step());
      directory.writeRecipe(recipe);
      directory.writeProvenance(provenance);
      journal = directory.openJournal(options.clock());
    } catch (RuntimeException failure) {
      store.close();
      throw failure;
    }
    resumption.found().damaged().forEach(this::warning);
    String text =
        "resumed after step %d%s"
            .formatted(
                resumption.step(),
                changes.isEmpty() ? "" : " with changes: " + String.join("; ", changes));
    store.event(record.id(), Level.INFO, text);
    journal.log(text);
  }

  private static String modelName(RunConfig config) {
    String model = config.model().id().orElseGet(config.model()::name);
    Path name = Path.of(model).toAbsolutePath().normalize().getFileName();
    return name == null ? model : name.toString();
  }

  static Map<String, Object> provenance(
      RunConfig config, FineTuneOptions options, LoadedModel loaded, DataSet data, Device device) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("command_line", options.commandLine());
    fields.put("model", config.model().name());
    fields.put("dtype", WeightFormat.of(loaded.model().parameters()).spelling());
    if (config.baseQuantization() != Quantization.NONE) {
      fields.put("quantization", config.baseQuantization().spelling());
    }
    fields.put(RunIdentity.MODEL, RunIdentity.fingerprint(loaded.directory()));
    fields.put("tokenizer_sha256", loaded.tokenizer().sha256());
    fields.put("data", data.provenance());
    fields.put("encoded", data.report());
    fields.put("seed", config.train().seed());
    fields.putAll(Devices.describe(device));
    fields.put("versions", options.versions());
    fields.put("jvm", System.getProperty("java.vm.name") + " " + Runtime.version());
    fields.put(
        "os",
        "%s %s %s"
            .formatted(
                System.getProperty("os.name"),
                System.getProperty("os.version"),
                System.getProperty("os.arch")));
    return fields;
  }

  String runId() {
    return record.id();
  }

  Path directory() {
    return directory.path();
  }

  /** The folder for checkpoints. */
  Path checkpoints() {
    return directory.checkpoints();
  }

  void step(StepReport report, double epoch, Optional<Evaluation> validation, long elapsedNanos) {
    MetricsRow row =
        new MetricsRow(
            Math.toIntExact(report.step()),
            epoch,
            report.loss(),
            optional(validation.map(Evaluation::loss)),
            optional(validation.map(Evaluation::accuracy)),
            report.learningRate(),
            report.gradNorm(),
            new MetricsRow.Tokens(report.labels(), report.tokens(), report.tokensPerSecond()),
            new MetricsRow.Usage(
                usage.cpuUtilisation(),
                OptionalDouble.empty(),
                device.memory().currentBytes(),
                device.peakMemory().bytes()),
            elapsedNanos);
    journal.append(row);
    store.append(record.id(), row);
  }

  private static OptionalDouble optional(Optional<Double> value) {
    return value.map(OptionalDouble::of).orElseGet(OptionalDouble::empty);
  }

  void validated(long step, Evaluation evaluation) {
    journal.log(
        String.format(
            Locale.ROOT,
            "validated step=%d loss=%.6f accuracy=%.4f",
            step,
            evaluation.loss(),
            evaluation.accuracy()));
  }

  void log(String text) {
    journal.log(text);
  }

  void warning(String text) {
    journal.log("warning " + text);
    store.event(record.id(), Level.WARNING, text);
  }

  /** Makes sure that the measurements outlive a power cut as surely as the next checkpoint. */
  void force() {
    journal.force();
  }

  void failed(String reason) {
    journal.log("failed " + reason);
    store.event(record.id(), Level.ERROR, reason);
    store.finish(record.id(), RunStatus.FAILED, Map.of("error", reason));
  }

  void finished(FineTuneResult result) {
    Map<String, Object> summary = summary(result);
    directory.writeSummary(summary);
    artefact(result.output().getFileName().toString(), result.output());
    result.ending().best().ifPresent(best -> artefact("best checkpoint", best.checkpoint()));
    store.finish(record.id(), RunStatus.FINISHED, summary);
    journal.log(
        String.format(
            Locale.ROOT, "finished steps=%d loss=%.6f", result.steps(), result.trainLoss()));
  }

  private void artefact(String kind, Path path) {
    store.artefact(record.id(), new Artefact(kind, path, "", 0));
  }

  /** The run was stopped and can go on, so it has no summary file yet. */
  void stopped(FineTuneResult result) {
    store.event(record.id(), Level.INFO, "stopped after step " + result.steps());
    store.finish(record.id(), RunStatus.STOPPED, summary(result));
    journal.log("stopped step=" + result.steps());
  }

  private static Map<String, Object> summary(FineTuneResult result) {
    Map<String, Object> summary = new LinkedHashMap<>();
    summary.put("steps", result.steps());
    if (Double.isFinite(result.trainLoss())) {
      summary.put("train_loss", result.trainLoss());
    }
    result.validationBefore().ifPresent(loss -> summary.put("validation_loss_before", loss));
    result.validationAfter().ifPresent(loss -> summary.put("validation_loss", loss));
    result.accuracyAfter().ifPresent(share -> summary.put("validation_accuracy", share));
    summary.put("seconds", result.time().toMillis() / 1e3);
    summary.put("tokens", result.tokens());
    summary.put("peak_bytes", result.peakBytes());
    result.peakReservedBytes().ifPresent(bytes -> summary.put("peak_reserved_bytes", bytes));
    result.peakResidentBytes().ifPresent(bytes -> summary.put("peak_resident_bytes", bytes));
    summary.put("output", result.output().toString());
    summary.putAll(ending(result.ending()));
    return summary;
  }

  private static Map<String, Object> ending(Ending ending) {
    Map<String, Object> summary = new LinkedHashMap<>();
    if (ending.end() == End.EARLY) {
      summary.put("stopped_early", true);
    }
    if (ending.skippedSteps() > 0) {
      summary.put("skipped_steps", ending.skippedSteps());
    }
    ending
        .best()
        .ifPresent(best -> {
          summary.put("best_step", best.step());
          summary.put("best_validation_loss", best.validationLoss());
          summary.put("best_checkpoint", best.checkpoint().toString());
        });
    return summary;
  }

  @Override
  public void close() {
    journal.close();
    store.close();
  }
}
