package dev.lorikeet.job;

import dev.lorikeet.train.Evaluation;
import dev.lorikeet.train.StepReport;
import java.nio.file.Path;
import java.time.Duration;

/** Hears what a fine-tuning does, on the thread that does it. */
public interface RunListener {

  /** Something the user should know: what was shortened, left out or chosen. */
  default void notice(String text) {}

  /** Everything is loaded and checked; the first step comes next. */
  default void started(Start start) {}

  /** A step is done. */
  default void step(StepReport report, Start start, Duration left) {}

  /** Loss and accuracy over the held-out examples after {@code step} steps. */
  default void validated(long step, Evaluation evaluation) {}

  /** A run is taken up again after {@code step} steps; comes behind {@link #started}. */
  default void resumed(long step) {}

  /** Hears nothing. */
  static RunListener silent() {
    return new RunListener() {};
  }

  /**
   * What is about to happen.
   *
   * @param runId name of the run
   * @param directory its folder
   * @param steps optimiser steps
   * @param trainExamples examples trained on
   * @param validationExamples examples held out
   * @param trainableParameters numbers that change
   * @param totalParameters numbers of the model, adapters included
   */
  record Start(
      String runId,
      Path directory,
      long steps,
      int trainExamples,
      int validationExamples,
      long trainableParameters,
      long totalParameters) {}
}
