package dev.lorikeet.job;

import dev.lorikeet.config.AdapterSettings.Technique;
import dev.lorikeet.config.ModelSettings.Quantization;
import dev.lorikeet.config.RunConfig;
import dev.lorikeet.data.DataSet;
import dev.lorikeet.run.MetricsRow;
import dev.lorikeet.run.RunDirectory;
import dev.lorikeet.run.RunJournal;
import dev.lorikeet.run.RunRecord;
import dev.lorikeet.run.RunRecord.Artefact;
import dev.lorikeet.run.RunRecord.Level;
import dev.lorikeet.run.RunStatus;
import dev.lorikeet.run.RunStore;
import dev.lorikeet.torch.Device;
import dev.lorikeet.train.StepReport;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;

/** Writes down what a run does: its folder, its journal and its place in the index. */
final class RunRecorder implements AutoCloseable {
  private final Device device;
  private final RunDirectory directory;
  private final RunStore store;
  private final RunJournal journal;
  private final RunRecord record;
  private final ProcessUsage usage = new ProcessUsage();

  RunRecorder(
      RunConfig config, FineTuneOptions options, LoadedModel loaded, DataSet data, Device device) {
    this.device = device;
    String technique = config.adapter().technique().spelling();
    String model = modelName(config);
    directory =
        options.out().isPresent()
            ? RunDirectory.createAt(options.out().get(), technique, model, options.clock())
            : RunDirectory.create(config.output().dir(), technique, model, options.clock());
    Map<String, Object> provenance = provenance(config, options, loaded, data, device);
    directory.writeRecipe(config.toYaml());
    directory.writeProvenance(provenance);
    journal = directory.openJournal(options.clock());
    store = RunStore.open(config.output().dir(), options.clock());
    record = store.create(directory, technique, model, config.toYaml(), provenance);
    journal.log("started " + record.id());
  }

  private static String modelName(RunConfig config) {
    Path name = Path.of(config.model().path()).toAbsolutePath().normalize().getFileName();
    return name == null ? config.model().path() : name.toString();
  }

  private static Map<String, Object> provenance(
      RunConfig config, FineTuneOptions options, LoadedModel loaded, DataSet data, Device device) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("command_line", options.commandLine());
    fields.put("model", config.model().path());
    if (config.baseQuantization() != Quantization.NONE) {
      fields.put("quantization", config.baseQuantization().spelling());
    }
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

  Path adapterDirectory() {
    return directory.adapter();
  }

  /** Where a fully trained model goes. */
  Path modelDirectory() {
    return directory.path().resolve(Technique.FULL.spelling() + "-model");
  }

  void step(StepReport report, double epoch, OptionalDouble validation, long elapsedNanos) {
    MetricsRow row =
        new MetricsRow(
            Math.toIntExact(report.step()),
            epoch,
            report.loss(),
            validation,
            report.learningRate(),
            report.gradNorm(),
            new MetricsRow.Tokens(report.labels(), report.tokens(), report.tokensPerSecond()),
            new MetricsRow.Usage(
                usage.cpuUtilisation(),
                OptionalDouble.empty(),
                device.memory().currentBytes(),
                device.memory().peakBytes()),
            elapsedNanos);
    journal.append(row);
    store.append(record.id(), row);
  }

  void validated(long step, double loss) {
    journal.log(String.format(Locale.ROOT, "validated step=%d loss=%.6f", step, loss));
  }

  void failed(String reason) {
    journal.log("failed " + reason);
    store.event(record.id(), Level.ERROR, reason);
    store.finish(record.id(), RunStatus.FAILED, Map.of("error", reason));
  }

  void finished(RunStatus status, FineTuneResult result) {
    Map<String, Object> summary = summary(result);
    directory.writeSummary(summary);
    store.artefact(
        record.id(),
        new Artefact(result.output().getFileName().toString(), result.output(), "", 0));
    store.finish(record.id(), status, summary);
    journal.log(
        String.format(
            Locale.ROOT, "finished steps=%d loss=%.6f", result.steps(), result.trainLoss()));
  }

  private static Map<String, Object> summary(FineTuneResult result) {
    Map<String, Object> summary = new LinkedHashMap<>();
    summary.put("steps", result.steps());
    summary.put("train_loss", result.trainLoss());
    result.validationBefore().ifPresent(loss -> summary.put("validation_loss_before", loss));
    result.validationAfter().ifPresent(loss -> summary.put("validation_loss", loss));
    summary.put("seconds", result.time().toMillis() / 1e3);
    summary.put("tokens", result.tokens());
    summary.put("peak_bytes", result.peakBytes());
    result.peakResidentBytes().ifPresent(bytes -> summary.put("peak_resident_bytes", bytes));
    summary.put("output", result.output().toString());
    return summary;
  }

  @Override
  public void close() {
    journal.close();
    store.close();
  }
}
