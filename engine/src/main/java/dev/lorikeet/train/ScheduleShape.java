package dev.lorikeet.train;

/**
 * The way of the learning rate from its peak to the end of the run, as transformers' get_scheduler
 * has it. Factors are of the peak, 1 at the end of the warm-up.
 */
public sealed interface ScheduleShape {

  /**
   * Factor of {@code step}.
   *
   * @param step from 0, not before the end of the warm-up
   * @param warmupSteps steps of the warm-up
   * @param totalSteps steps of the run, warm-up included
   */
  double factor(long step, long warmupSteps, long totalSteps);

  /** Factor in the warm-up, of which {@code progress} (0 to below 1) is done. */
  default double warmup(double progress) {
    return progress;
  }

  /** How much of the run after the warm-up is done, in 0 to 1 within the run. */
  private static double progress(long step, long warmupSteps, long totalSteps) {
    return (double) (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps);
  }

  /** Half a cosine wave from 1 at 0 to 0 at 1. */
  private static double halfCosine(double progress) {
    return 0.5 * (1 + Math.cos(Math.PI * progress));
  }

  /** The peak to the end. */
  record Constant() implements ScheduleShape {
    @Override
    public double factor(long step, long warmupSteps, long totalSteps) {
      return 1;
    }
  }

  /** A straight line to 0. */
  record Linear() implements ScheduleShape {
    @Override
    public double factor(long step, long warmupSteps, long totalSteps) {
      return Math.max(0, (double) (totalSteps - step) / Math.max(1, totalSteps - warmupSteps));
    }
  }

  /**
   * Half a cosine to {@code minimum}: transformers' cosine, and its cosine_with_min_lr where the
   * minimum is above 0.
   *
   * @param minimum factor of the end, at least 0 and below 1
   */
  record Cosine(double minimum) implements ScheduleShape {
    @Override
    public double factor(long step, long warmupSteps, long totalSteps) {
      double wave = halfCosine(progress(step, warmupSteps, totalSteps));
      return Math.max(0, wave * (1 - minimum) + minimum);
    }
  }

  /**
   * Half cosines one behind the other, each from 1 to 0; 0 after the run.
   *
   * @param cycles their number, at least 1
   */
  record CosineWithRestarts(int cycles) implements ScheduleShape {
    @Override
    public double factor(long step, long warmupSteps, long totalSteps) {
      double progress = progress(step, warmupSteps, totalSteps);
      return progress >= 1 ? 0 : Math.max(0, halfCosine(cycles * progress % 1));
    }
  }

  /**
   * (1 − e)·(share of the run that is left)ᵖ + e, and e after the run. transformers' lr_end is
   * {@code end} times the peak.
   *
   * @param power p, above 0
   * @param end e, at least 0 and below 1
   */
  record Polynomial(double power, double end) implements ScheduleShape {
    @Override
    public double factor(long step, long warmupSteps, long totalSteps) {
      if (step > totalSteps) {
        return end;
      }
      double left = 1 - progress(step, warmupSteps, totalSteps);
      return (1 - end) * StrictMath.pow(left, power) + end;
    }
  }

  /**
   * The peak until {@code decaySteps} before the end, then half a cosine to {@code minimum}; the
   * warm-up begins at the minimum too.
   *
   * @param decaySteps steps of the fall, at least 1
   * @param minimum factor of the beginning and of the end, at least 0 and below 1
   */
  record WarmupStableDecay(long decaySteps, double minimum) implements ScheduleShape {
    @Override
    public double warmup(double progress) {
      return progress * (1 - minimum) + minimum;
    }

    @Override
    public double factor(long step, long warmupSteps, long totalSteps) {
      long begin = totalSteps - decaySteps;
      if (step < begin) {
        return 1;
      }
      if (step >= totalSteps) {
        return minimum;
      }
      double wave = halfCosine((double) (step - begin) / decaySteps);
      return Math.max(0, wave * (1 - minimum) + minimum);
    }
  }
}
