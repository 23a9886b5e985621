package dev.lorikeet.job;

import dev.lorikeet.config.TrainSettings;
import dev.lorikeet.error.FormatException;
import dev.lorikeet.error.RunException;
import dev.lorikeet.job.FineTuneResult.Best;
import dev.lorikeet.job.FineTuneResult.End;
import dev.lorikeet.job.FineTuneResult.Ending;
import dev.lorikeet.torch.Device;
import dev.lorikeet.train.Evaluation;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Function;

/**
 * Saves what a run has learned when its loop has ended, and tells the result.
 *
 * @param recorder writes down
 * @param weights what was trained
 * @param checkpoints those of the run
 * @param listener hears
 * @param device where the tensors lie
 */
record RunOutcome(
    RunRecorder recorder,
    TrainedWeights weights,
    Checkpoints checkpoints,
    RunListener listener,
    Device device) {

  /**
   * The result of a run that ended at {@code state}.
   *
   * @throws RunException if the result cannot be written
   */
  FineTuneResult of(TrainState state, End end, TrainSettings settings) {
    if (end == End.STOPPED) {
      Path checkpoint = checkpoints.at(state.step());
      FineTuneResult result =
          result(state, end, checkpoint.resolve(weights.folderName()), state.latest());
      recorder.stopped(result);
      return result;
    }
    boolean best = settings.loadBestAtEnd() && loadBest(state);
    Optional<Evaluation> shown =
        best ? state.best().map(TrainState.Best::evaluation) : state.latest();
    FineTuneResult result = result(state, end, weights.export(recorder.directory()), shown);
    recorder.finished(result);
    return result;
  }

  /** Whether the weights are now those of the lowest validation loss. */
  private boolean loadBest(TrainState state) {
    if (state.best().isEmpty() || state.atBest()) {
      return state.atBest();
    }
    try {
      checkpoints.restoreBest(state.best().get());
      return true;
    } catch (FormatException damaged) {
      String text = damaged.getMessage() + " The last weights are saved instead.";
      recorder.warning(text);
      listener.notice(text);
      return false;
    }
  }

  private FineTuneResult result(
      TrainState state, End end, Path output, Optional<Evaluation> after) {
    return new FineTuneResult(
        recorder.runId(),
        recorder.directory(),
        output,
        state.step(),
        state.trainLoss().orElse(Double.NaN),
        number(state.before(), Evaluation::loss),
        number(after, Evaluation::loss),
        Duration.ofNanos(state.elapsedNanos()),
        state.tokens(),
        device.peakMemory().bytes(),
        device.peakMemory().reservedBytes(),
        ProcessUsage.peakResidentBytes(),
        number(state.before(), Evaluation::accuracy),
        number(after, Evaluation::accuracy),
        new Ending(
            end, state.skipped(), checkpoints.last(), state.best().map(this::bestCheckpoint)));
  }

  private Best bestCheckpoint(TrainState.Best best) {
    return new Best(best.step(), best.evaluation().loss(), checkpoints.at(best.step()));
  }

  private static OptionalDouble number(
      Optional<Evaluation> evaluation, Function<Evaluation, Double> part) {
    return evaluation.map(part).map(OptionalDouble::of).orElseGet(OptionalDouble::empty);
  }
}
