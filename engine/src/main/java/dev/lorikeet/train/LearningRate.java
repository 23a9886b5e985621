package dev.lorikeet.train;

/**
 * The learning rate of every step, as transformers' schedulers give it: up to the peak in a
 * straight line, then by {@code shape} to the end.
 *
 * @param peak the highest rate
 * @param shape the way after the warm-up
 * @param warmupSteps steps to the peak; the first step has rate 0 if there are any, but for shapes
 *     with a minimum from the beginning
 * @param totalSteps steps of the run
 */
public record LearningRate(double peak, ScheduleShape shape, long warmupSteps, long totalSteps) {

  /** The rate of {@code step}, counted from 0. */
  public double at(long step) {
    if (step < warmupSteps) {
      return peak * shape.warmup((double) step / Math.max(1, warmupSteps));
    }
    return peak * shape.factor(step, warmupSteps, totalSteps);
  }
}
