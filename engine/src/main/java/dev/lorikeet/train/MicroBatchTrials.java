package dev.lorikeet.train;

import dev.lorikeet.data.Example;
import dev.lorikeet.data.Examples;
import dev.lorikeet.data.MicroBatch;
import dev.lorikeet.train.MicroBatchChoice.Trial;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * Finds the fastest micro-batch by timing forward and backward passes over examples of the run.
 *
 * <p>Sizes are tried upwards, until two in a row are less than {@value #LEAST_GAIN} times as fast
 * as the best before: larger ones would cost memory for little, but one alone may have been
 * disturbed. Every size sees examples of all lengths, and its shortest pass counts, which leaves
 * out what the machine did besides. There are two passes, and more as long as they took less than a
 * fifth of a second together: short ones find the virtual machine cold. With the sizes of {@link
 * MemoryGuard#microBatches}, all trials together take the time of less than four steps, 2, 1, ½, …
 * for the whole, the half and the quarter of a global batch, or a fifth of a second a size.
 *
 * @param trainer whose passes are timed; left as it was
 * @param examples training examples, at least as many as the largest size
 * @param nanoTime tells the time in nanoseconds
 */
public record MicroBatchTrials(Trainer trainer, List<Example> examples, LongSupplier nanoTime) {
  private static final double LEAST_GAIN = 1.03;
  private static final int MOST_PASSES = 32;
  private static final int LEAST_PASSES = 2;
  private static final int LEAST_NANOS = 200_000_000;
  private static final int MOST_FAILURES = 2;
  private static final double NANOS_PER_SECOND = 1e9;

  public MicroBatchTrials {
    examples = Examples.of(examples);
  }

  /**
   * The fastest of {@code sizes}.
   *
   * @param sizes ascending, at least one
   */
  public MicroBatchChoice fastest(List<Integer> sizes) {
    if (sizes.size() == 1) {
      return new MicroBatchChoice(sizes.getFirst(), List.of());
    }
    trainer.rehearse(sample(sizes.getFirst()), nanoTime);
    List<Trial> trials = new ArrayList<>();
    Trial best = new Trial(sizes.getFirst(), 0);
    int failures = 0;
    for (int i = 0; i < sizes.size() && failures < MOST_FAILURES; i++) {
      Trial trial = trial(sizes.get(i));
      trials.add(trial);
      if (trial.tokensPerSecond() < LEAST_GAIN * best.tokensPerSecond()) {
        failures++;
      } else {
        best = trial;
        failures = 0;
      }
    }
    return new MicroBatchChoice(best.microBatch(), trials);
  }

  private Trial trial(int size) {
    MicroBatch sample = sample(size);
    long shortest = Long.MAX_VALUE;
    long all = 0;
    for (int pass = 0; pass < LEAST_PASSES || (pass < MOST_PASSES && all < LEAST_NANOS); pass++) {
      long nanos = Math.max(1, trainer.rehearse(sample, nanoTime));
      shortest = Math.min(shortest, nanos);
      all += nanos;
    }
    return new Trial(size, sample.tokenCount() / (shortest / NANOS_PER_SECOND));
  }

  /** The middle ones of {@code size} equal parts of the examples in order of their length. */
  MicroBatch sample(int size) {
    int[] middles = new int[size];
    for (int i = 0; i < size; i++) {
      middles[i] = (int) ((2L * i + 1) * examples.size() / (2L * size));
    }
    return new MicroBatch(Examples.of(examples).byLength(middles));
  }
}
