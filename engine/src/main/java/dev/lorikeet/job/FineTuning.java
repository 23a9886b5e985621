package dev.lorikeet.job;

import dev.lorikeet.adapter.LoraAdapter;
import dev.lorikeet.adapter.LoraSettings;
import dev.lorikeet.adapter.Targets;
import dev.lorikeet.config.AdapterSettings;
import dev.lorikeet.config.AdapterSettings.Technique;
import dev.lorikeet.config.RunConfig;
import dev.lorikeet.config.TrainSettings;
import dev.lorikeet.data.BatchPlan;
import dev.lorikeet.data.DataSet;
import dev.lorikeet.data.EncodeReport;
import dev.lorikeet.error.LorikeetException;
import dev.lorikeet.error.RunException;
import dev.lorikeet.job.RunListener.Start;
import dev.lorikeet.run.RunDirectory;
import dev.lorikeet.run.RunStatus;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;
import dev.lorikeet.train.AdamW;
import dev.lorikeet.train.Collective;
import dev.lorikeet.train.LearningRate;
import dev.lorikeet.train.StepReport;
import dev.lorikeet.train.Trainer;
import dev.lorikeet.train.TrainingSetup;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * A fine-tuning by a recipe, from files to files: model, data, run folder, steps, validation,
 * adapter. Everything that can be wrong is looked at before the first step.
 */
public final class FineTuning implements AutoCloseable {
  private final RunConfig config;
  private final FineTuneOptions options;
  private final RunListener listener;
  private final Device device;
  private final LoadedModel loaded;
  private final DataSet data;
  private final BatchPlan plan;
  private final List<Parameter> trained;

  /**
   * Loads the model and the data.
   *
   * @throws LorikeetException for whatever the user can mend
   */
  private FineTuning(RunConfig config, FineTuneOptions options, RunListener listener) {
    this.config = config;
    this.options = options;
    this.listener = listener;
    options.out().ifPresent(RunDirectory::requireFree);
    device = Devices.open(config.device());
    try {
      loaded = load();
      RunConfig fitted = fitToContext();
      data = DataSet.load(fitted.data(), fitted.train().seed(), loaded.tokenizer());
      data.requireWithin(loaded.model().vocabularySize(), loaded.tokenizer());
      tell(data.report(), fitted.data().maxSeqLen());
      plan = BatchPlan.of(fitted, data.train().size());
      tellWarmup();
      trained =
          loaded
              .adapter()
              .map(LoraAdapter::parameters)
              .orElseGet(() -> loaded.model().parameters());
    } catch (RuntimeException failure) {
      close();
      throw failure;
    }
  }

  /** Fine-tunes by {@code config} into a new run folder and tells nobody meanwhile. */
  public static FineTuneResult run(RunConfig config) {
    return run(config, FineTuneOptions.defaults(), RunListener.silent());
  }

  /**
   * Fine-tunes by {@code config}.
   *
   * @throws LorikeetException for a mistake in recipe, model or data, or a run that cannot go on;
   *     what was learned until then is in the run's folder
   */
  public static FineTuneResult run(
      RunConfig config, FineTuneOptions options, RunListener listener) {
    try (FineTuning job = new FineTuning(config, options, listener)) {
      return job.run();
    }
  }

  private LoadedModel load() {
    Path directory = LoadedModel.directoryOf(config.model().path());
    if (config.adapter().technique() == Technique.FULL) {
      return LoadedModel.load(directory, Training.TRAINABLE, Optional.empty(), device);
    }
    return LoadedModel.load(directory, Training.FROZEN, Optional.of(adapter()), device);
  }

  private LoraAdapter adapter() {
    AdapterSettings adapter = config.adapter();
    LoraSettings settings =
        new LoraSettings(
            adapter.r(),
            adapter.loraAlpha(),
            false,
            adapter.loraDropout(),
            Targets.of(adapter.targetModules()),
            adapter.technique() == Technique.DORA);
    return adapter
        .initFrom()
        .map(dir -> LoraAdapter.readAs(dir, settings, device))
        .orElseGet(() -> LoraAdapter.fresh(settings, device, config.train().seed()));
  }

  /** The recipe with sequences no longer than the model's context. */
  private RunConfig fitToContext() {
    int context = loaded.model().contextLength();
    if (config.data().maxSeqLen() <= context) {
      return config;
    }
    listener.notice(
        "data.max_seq_len %d is more than the model's context; sequences are cut at %d tokens."
            .formatted(config.data().maxSeqLen(), context));
    return config.with("data.max_seq_len=" + context);
  }

  private void tell(EncodeReport report, int maxSeqLen) {
    if (report.truncated() > 0) {
      listener.notice(
          "%d of %d records are longer than %d tokens (the longest has %d) and were cut; %s."
              .formatted(
                  report.truncated(),
                  report.records(),
                  maxSeqLen,
                  report.longest(),
                  maxSeqLen < loaded.model().contextLength()
                      ? "raise data.max_seq_len to keep them whole"
                      : "the model's context holds no more"));
    }
    if (report.dropped() > 0) {
      listener.notice(
          "%d of %d records were left out: nothing to learn was left of them after cutting."
              .formatted(report.dropped(), report.records()));
    }
  }

  private void tellWarmup() {
    long warmup = config.train().warmupSteps();
    long steps = plan.steps();
    if (warmup >= steps) {
      listener.notice(
          "train.warmup_steps %d is not less than the run's %d steps, so the learning rate never reaches its peak."
              .formatted(warmup, steps));
    }
  }

  private FineTuneResult run() {
    try (RunRecorder recorder = new RunRecorder(config, options, loaded, data, device)) {
      Start start = start(recorder);
      listener.started(start);
      device.memory().resetPeak();
      try (Trainer trainer =
              new Trainer(loaded.model(), trained, setup(), device, Collective.solo());
          LastGood lastGood = new LastGood(adapterParameters())) {
        try {
          return new Loop(recorder, start, trainer, lastGood).run();
        } catch (RunException failure) {
          String message = failure.getMessage() + " " + kept(recorder, lastGood);
          recorder.failed(message);
          throw new RunException(message, failure);
        }
      } catch (RunException failure) {
        throw failure;
      } catch (RuntimeException failure) {
        recorder.failed(String.valueOf(failure.getMessage()));
        throw failure;
      }
    }
  }

  private List<Parameter> adapterParameters() {
    return loaded.adapter().map(LoraAdapter::parameters).orElse(List.of());
  }

  /** Saves what is good after a failure; a sentence about it. */
  private String kept(RunRecorder recorder, LastGood lastGood) {
    try {
      if (loaded.adapter().isEmpty()) {
        return "The weights as they were then are in " + save(recorder) + ".";
      }
      long updates = lastGood.restore();
      return "The last good adapter, after %d updates, is in %s."
          .formatted(updates, save(recorder));
    } catch (RunException failure) {
      return "What was learned could not be saved: " + failure.getMessage();
    }
  }

  private Start start(RunRecorder recorder) {
    long total = loaded.model().parameters().stream().mapToLong(FineTuning::elements).sum();
    long trainable = trained.stream().mapToLong(FineTuning::elements).sum();
    boolean adapted = loaded.adapter().isPresent();
    return new Start(
        recorder.runId(),
        recorder.directory(),
        plan.steps(),
        data.train().size(),
        data.validation().size(),
        trainable,
        adapted ? total + trainable : total);
  }

  private static long elements(Parameter parameter) {
    return parameter.value().elements();
  }

  private TrainingSetup setup() {
    TrainSettings train = config.train();
    return new TrainingSetup(
        new LearningRate(train.learningRate(), train.schedule(), train.warmupSteps(), plan.steps()),
        AdamW.Settings.withDecay(train.weightDecay()),
        train.maxGradNorm(),
        train.lossWeighting(),
        train.seed(),
        config.data().packing(),
        train.recompute());
  }

  private Path save(RunRecorder recorder) {
    if (loaded.adapter().isPresent()) {
      Path directory = recorder.adapterDirectory();
      loaded.adapter().get().write(directory, config.model().path());
      return directory;
    }
    Path directory = recorder.modelDirectory();
    CheckpointWriter.write(
        directory, loaded.directory(), loaded.model().parameters(), WeightFormat.FLOAT32);
    return directory;
  }

  /** The steps of one run. */
  private final class Loop {
    private final RunRecorder recorder;
    private final Start start;
    private final Trainer trainer;
    private final LastGood lastGood;
    private final long startNanos = System.nanoTime();
    private long tokens;
    private long stepNanos;

    Loop(RunRecorder recorder, Start start, Trainer trainer, LastGood lastGood) {
      this.recorder = recorder;
      this.start = start;
      this.trainer = trainer;
      this.lastGood = lastGood;
    }

    FineTuneResult run() {
      OptionalDouble before = validate(0);
      OptionalDouble after = before;
      double trainLoss = Double.NaN;
      for (long step = 0; step < plan.steps(); step++) {
        lastGood.beforeStep();
        StepReport report = trainer.step(plan.batch(step, data.train()));
        lastGood.afterStep(step + 1);
        tokens += report.tokens();
        trainLoss = report.loss();
        boolean endOfEpoch = (step + 1) % plan.stepsPerEpoch() == 0 || step + 1 == plan.steps();
        stepNanos += report.stepNanos();
        listener.step(report, start, left(step + 1));
        OptionalDouble validation = endOfEpoch ? validate(step + 1) : OptionalDouble.empty();
        after = endOfEpoch ? validation : after;
        double epoch = (double) (step + 1) / plan.stepsPerEpoch();
        recorder.step(report, epoch, validation, System.nanoTime() - startNanos);
      }
      Path output = save(recorder);
      FineTuneResult result =
          new FineTuneResult(
              recorder.runId(),
              recorder.directory(),
              output,
              plan.steps(),
              trainLoss,
              before,
              after,
              Duration.ofNanos(System.nanoTime() - startNanos),
              tokens,
              device.memory().peakBytes(),
              ProcessUsage.peakResidentBytes());
      recorder.finished(RunStatus.FINISHED, result);
      return result;
    }

    private OptionalDouble validate(long step) {
      if (data.validation().isEmpty()) {
        return OptionalDouble.empty();
      }
      double loss = trainer.validate(data.validation(), config.train().microBatch());
      if (!Double.isFinite(loss)) {
        throw new RunException(
            step == 0
                ? "the untouched model's loss over the held-out examples is %s: its weights hold values that are not numbers, or are damaged; download the model again."
                    .formatted(loss)
                : "after step %d the loss over the held-out examples is %s, so training was stopped. A lower learning_rate or max_grad_norm, or more warmup_steps, is the usual remedy."
                    .formatted(step, loss));
      }
      listener.validated(step, loss);
      recorder.validated(step, loss);
      return OptionalDouble.of(loss);
    }

    private Duration left(long done) {
      return Duration.ofNanos((long) ((double) stepNanos / done * (plan.steps() - done)));
    }
  }

  @Override
  public void close() {
    if (loaded != null) {
      loaded.close();
    }
    device.close();
  }
}
