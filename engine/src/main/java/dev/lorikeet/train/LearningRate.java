package dev.lorikeet.train;

import dev.lorikeet.config.TrainSettings.Schedule;

/**
 * The learning rate of every step, as transformers' schedulers give it: from 0 up to the peak in a
 * straight line, then by {@code schedule} down to 0 at the end.
 *
 * @param peak the highest rate
 * @param schedule shape after the warm-up
 * @param warmupSteps steps to the peak; the first step has rate 0 if there are any
 * @param totalSteps steps of the run
 */
public record LearningRate(double peak, Schedule schedule, long warmupSteps, long totalSteps) {

  /** The rate of {@code step}, counted from 0. */
  public double at(long step) {
    if (step < warmupSteps) {
      return peak * step / Math.max(1, warmupSteps);
    }
    double progress = (double) (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps);
    return peak
        * switch (schedule) {
          case CONSTANT -> 1.0;
          case LINEAR -> Math.max(0.0, 1 - progress);
          case COSINE -> Math.max(0.0, 0.5 * (1 + Math.cos(Math.PI * progress)));
        };
  }
}
