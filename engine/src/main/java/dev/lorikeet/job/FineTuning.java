package dev.lorikeet.job;

import dev.lorikeet.adapter.LoraAdapter;
import dev.lorikeet.config.RunConfig;
import dev.lorikeet.data.BatchPlan;
import dev.lorikeet.data.DataSet;
import dev.lorikeet.error.LorikeetException;
import dev.lorikeet.error.RunException;
import dev.lorikeet.hub.HubListener;
import dev.lorikeet.job.FineTuneResult.End;
import dev.lorikeet.job.LoadedModel.BaseFormat;
import dev.lorikeet.job.RunListener.Start;
import dev.lorikeet.run.RunDirectory;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tokenizer.ChatTemplate;
import dev.lorikeet.torch.Device;
import dev.lorikeet.train.Collective;
import dev.lorikeet.train.MemoryGuard;
import dev.lorikeet.train.MicroBatchChoice;
import dev.lorikeet.train.Trainer;
import dev.lorikeet.train.TrainingSetup;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A fine-tuning by a recipe, from files to files: model, data, run folder, steps, validation,
 * adapter. Everything that can be wrong is looked at before the first step.
 */
public final class FineTuning implements AutoCloseable {
  private final RunConfig config;
  private final FineTuneOptions options;
  private final RunListener listener;
  private final Optional<Resumption> resumption;
  private final Path directory;
  private final Device device;
  private final LoadedModel loaded;
  private final DataSet data;
  private final BatchPlan plan;
  private final StepFit fit;
  private final List<Parameter> trained;
  private final Map<String, Object> provenance;

  /**
   * Loads the model and the data.
   *
   * @throws LorikeetException for whatever the user can mend
   */
  private FineTuning(
      RunConfig asked,
      FineTuneOptions options,
      RunListener listener,
      Optional<Resumption> resumption) {
    this.options = options;
    this.listener = listener;
    this.resumption = resumption;
    if (resumption.isEmpty()) {
      options.out().ifPresent(RunDirectory::requireFree);
    }
    RunConfig recipe =
        HubData.pinned(
            HubModel.pinned(asked, options.hub(), listener),
            options.hub(),
            HubModel.heardBy(listener));
    directory = HubModel.folder(recipe.model(), options.hub());
    device = options.devices().open(recipe);
    try {
      ComputeFormat.require(recipe.train().compute(), device);
      long available = options.memoryBytes().orElseGet(device::availableBytes);
      RunConfig fitted;
      try (StepMemory memory = new StepMemory(recipe, directory, device.threads())) {
        memory.requireWeights(available);
        loaded = load(recipe);
        ModelFolder.surplus(loaded.directory()).ifPresent(listener::notice);
        AdapterRecipe.widened(recipe, loaded.directory()).ifPresent(listener::notice);
        fitted = fitToContext(recipe);
        data =
            DataSet.load(
                new DataSet.Request(
                    HubData.local(fitted, options.hub(), HubListener.silent()),
                    fitted.train().seed(),
                    loaded.tokenizer(),
                    ChatTemplate.find(loaded.directory(), DataSet.templateClock()),
                    existing(fitted.output().dir())));
        data.notices().forEach(listener::notice);
        data.requireWithin(loaded.model().vocabularySize(), loaded.tokenizer());
        trained = StepMemory.trained(loaded.model(), loaded.adapter());
        TrainingRules.of(recipe).groups().requireMatches(trained);
        fit =
            StepFit.of(
                new StepFit.Subject(recipe, loaded.model(), trained, data, device, options.clock()),
                new MemoryGuard(
                    shape -> memory.peakBytes(data, shape), available, listener::notice));
      }
      config = fit.resolve(recipe);
      plan = BatchPlan.of(config, data.train().size());
      new Preflight(fitted, data, plan, loaded.model().contextLength()).check(listener);
      provenance = RunRecorder.provenance(config, options, loaded, data, device);
      fit.choice().ifPresent(choice -> provenance.put(StepFit.RECORD, choice.json()));
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
    try (FineTuning job = new FineTuning(config, options, listener, Optional.empty())) {
      return job.run();
    }
  }

  /**
   * Goes on with a run that was stopped, killed or failed, from its newest whole checkpoint, bit
   * for bit; a run without one begins again at its first step.
   *
   * @param options their {@code out} is not looked at
   * @return empty if the run is finished and its recipe unchanged
   * @throws LorikeetException if the run cannot go on, or would not be the same any more and {@code
   *     request} does not allow that
   */
  public static Optional<FineTuneResult> resume(
      ResumeRequest request, FineTuneOptions options, RunListener listener) {
    Optional<Resumption> resumption = Resumption.find(request, options.clock());
    if (resumption.isEmpty()) {
      return Optional.empty();
    }
    RunConfig config = resumption.get().config();
    try (FineTuning job = new FineTuning(config, options, listener, resumption)) {
      return Optional.of(job.run());
    }
  }

  private LoadedModel load(RunConfig config) {
    Path weights = resumption.flatMap(LoftqBase::existing).orElse(directory);
    return LoadedModel.load(
        new LoadedModel.Source(directory, weights),
        AdapterRecipe.training(config.adapter()),
        resumption
            .flatMap(taken -> LoftqBase.adapter(taken, device))
            .or(() -> AdapterRecipe.adapter(config, device)),
        BaseFormat.of(config),
        AdapterRecipe.chosenLayers(config.adapter()),
        device);
  }

  /**
   * The nearest folder at or above {@code folder} that is there. The disk of the runs takes the
   * encoded data: the system's folder for temporary files is often memory.
   */
  private static Path existing(Path folder) {
    Path there = folder.toAbsolutePath().normalize();
    while (!Files.isDirectory(there) && there.getParent() != null) {
      there = there.getParent();
    }
    return there;
  }

  /** The recipe with sequences no longer than the model's context. */
  private RunConfig fitToContext(RunConfig config) {
    int context = loaded.model().contextLength();
    if (config.data().maxSeqLen() <= context) {
      return config;
    }
    listener.notice(
        "data.max_seq_len %d is more than the model's context; sequences are cut at %d tokens."
            .formatted(config.data().maxSeqLen(), context));
    return config.with("data.max_seq_len=" + context);
  }

  private FineTuneResult run() {
    Map<String, String> identity = RunIdentity.of(provenance);
    List<String> changes =
        resumption.map(taken -> accepted(taken, taken.changes(config, identity))).orElse(List.of());
    TrainedWeights learned = new TrainedWeights(loaded, trained, baseName(), data.template());
    try (Trainer trainer =
        new Trainer(loaded.model(), trained, setup(), device, Collective.solo())) {
      TrainState state = restored(learned, trainer);
      try (RunRecorder recorder = recorder(changes)) {
        try {
          TrainedWeights weights = withBase(learned, recorder, state);
          return train(recorder, trainer, weights, state, identity);
        } catch (RunException told) {
          throw told;
        } catch (RuntimeException failure) {
          RuntimeException explained = device.explained(failure);
          recorder.failed(String.valueOf(explained.getMessage()));
          throw explained;
        }
      }
    }
  }

  /** What PEFT's other tools load the base by. */
  private String baseName() {
    return config.model().id().orElseGet(config.model()::name);
  }

  /** Keeps the base that LoftQ made, before anything is trained on it. */
  private TrainedWeights withBase(TrainedWeights weights, RunRecorder recorder, TrainState state) {
    Optional<Path> folder = LoftqBase.folder(config, recorder.directory());
    if (folder.isEmpty()) {
      return weights;
    }
    if (state.step() == 0) {
      LoftqBase.write(loaded, folder.get());
      recorder.log("loftq base=" + folder.get());
      listener.notice(
          "LoftQ changed the quantised base; it is in %s, and the adapter fits no other model."
              .formatted(folder.get()));
    }
    return weights.over(folder.get());
  }

  /** The differences of a resumed run, if it may go on with them. */
  private List<String> accepted(Resumption taken, List<String> changes) {
    ScheduleChange schedule =
        new ScheduleChange(taken, data.train().size(), plan, setup().learningRate());
    schedule.requireStepsLeft();
    taken.requireAllowed(changes, schedule.told());
    schedule.told().ifPresent(listener::notice);
    return changes;
  }

  private TrainState restored(TrainedWeights weights, Trainer trainer) {
    if (resumption.isEmpty()) {
      return TrainState.START;
    }
    Resumption taken = resumption.get();
    taken.found().damaged().forEach(listener::notice);
    Optional<Checkpoint> checkpoint = taken.found().checkpoint();
    if (checkpoint.isEmpty()) {
      listener.notice(
          "run %s has no checkpoint yet, so it begins again at its first step"
              .formatted(taken.run().id()));
      return TrainState.START;
    }
    checkpoint.get().restore(weights, trainer);
    return checkpoint.get().state().train();
  }

  private RunRecorder recorder(List<String> changes) {
    RunRecorder recorder =
        resumption.isPresent()
            ? new RunRecorder(resumption.get(), config, options, provenance, device, changes)
            : new RunRecorder(config, options, provenance, device);
    fit.choice()
        .map(MicroBatchChoice::words)
        .or(() -> resumption.flatMap(taken -> taken.choiceWords(config)))
        .ifPresent(recorder::log);
    return recorder;
  }

  private FineTuneResult train(
      RunRecorder recorder,
      Trainer trainer,
      TrainedWeights weights,
      TrainState state,
      Map<String, String> identity) {
    Start start = start(recorder);
    listener.started(start);
    resumption.ifPresent(taken -> listener.resumed(taken.step()));
    device.peakMemory().reset();
    CheckpointOrigin origin = CheckpointOrigin.of(recorder.runId(), config, identity);
    Checkpoints checkpoints =
        new Checkpoints(
            recorder.checkpoints(), weights, trainer, origin, config.train().keepCheckpoints());
    checkpoints.removeAfter(state.step());
    try (LastGood lastGood = new LastGood(adapterParameters(), state.updates())) {
      try {
        TrainingLoop loop =
            new TrainingLoop(
                config.train(),
                new TrainingLoop.Job(
                    plan,
                    data,
                    trainer,
                    lastGood,
                    checkpoints,
                    recorder,
                    listener,
                    options.stop(),
                    start),
                state);
        End end = loop.run();
        RunOutcome outcome = new RunOutcome(recorder, weights, checkpoints, listener, device);
        return outcome.of(loop.state(), end, config.train());
      } catch (RunException failure) {
        String message = failure.getMessage() + " " + kept(recorder, weights, lastGood);
        message += checkpoints.last().map(last -> goOn(recorder, last)).orElse("");
        recorder.failed(message);
        throw new RunException(message, failure);
      }
    }
  }

  private static String goOn(RunRecorder recorder, Path last) {
    return " The last checkpoint is %s; after a change, lorikeet resume %s goes on from there."
        .formatted(last, recorder.runId());
  }

  private List<Parameter> adapterParameters() {
    return loaded.adapter().map(LoraAdapter::parameters).orElse(List.of());
  }

  /** Saves what is good after a failure; a sentence about it. */
  private String kept(RunRecorder recorder, TrainedWeights weights, LastGood lastGood) {
    try {
      if (loaded.adapter().isEmpty()) {
        return "The weights as they were then are in " + weights.export(recorder.directory()) + ".";
      }
      long updates = lastGood.restore();
      return "The last good adapter, after %d updates, is in %s."
          .formatted(updates, weights.export(recorder.directory()));
    } catch (RunException failure) {
      return "What was learned could not be saved: " + failure.getMessage();
    }
  }

  private Start start(RunRecorder recorder) {
    Set<Parameter> own = new HashSet<>(loaded.model().parameters());
    long trainable = trained.stream().mapToLong(FineTuning::elements).sum();
    long added =
        trained.stream()
            .filter(parameter -> !own.contains(parameter))
            .mapToLong(FineTuning::elements)
            .sum();
    return new Start(
        recorder.runId(),
        recorder.directory(),
        plan.steps(),
        data.train().size(),
        data.validation().size(),
        trainable,
        loaded.model().parameterCount() + added);
  }

  private static long elements(Parameter parameter) {
    return parameter.value().elements();
  }

  private TrainingSetup setup() {
    TrainingSetup setup = TrainingRules.of(config).setup(plan.steps(), fit.shape());
    return ComputeFormat.scaling(device.computeFormat()).map(setup::withLossScaling).orElse(setup);
  }

  @Override
  public void close() {
    if (data != null) {
      data.close();
    }
    if (loaded != null) {
      loaded.close();
    }
    device.close();
  }
}
