package dev.lorikeet.train;

import dev.lorikeet.data.Example;
import dev.lorikeet.data.MicroBatch;
import dev.lorikeet.train.MicroBatchChoice.Trial;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * Finds the fastest micro-batch by timing forward and backward passes over examples of the run.
 *
 * <p>Sizes are tried upwards, until one is less than {@value #LEAST_GAIN} times as fast as the best
 * before: larger ones would cost memory for little. Every size sees examples of all lengths, and
 * its shortest pass counts, which leaves out what the machine did besides. Small sizes get up to
 * four passes, because they are short and because the first ones find the virtual machine cold;
 * large ones get two. With the sizes of {@link MemoryGuard#microBatches}, all trials together take
 * the time of less than five steps: 2, 1, ½ and ½ for the whole, the half, the quarter and the
 * eighth of a global batch, and less than ½ below.
 *
 * @param trainer whose passes are timed; left as it was
 * @param examples training examples, at least as many as the largest size
 * @param nanoTime tells the time in nanoseconds
 */
public record MicroBatchTrials(Trainer trainer, List<Example> examples, LongSupplier nanoTime) {
  private static final double LEAST_GAIN = 1.03;
  private static final int MOST_PASSES = 4;
  private static final int LEAST_PASSES = 2;
  private static final double NANOS_PER_SECOND = 1e9;

  public MicroBatchTrials {
    examples = examples.stream().sorted(Comparator.comparingInt(Example::length)).toList();
  }

  /**
   * The fastest of {@code sizes}.
   *
   * @param sizes ascending, at least one
   * @param globalBatch examples of a step
   */
  public MicroBatchChoice fastest(List<Integer> sizes, int globalBatch) {
    if (sizes.size() == 1) {
      return new MicroBatchChoice(sizes.getFirst(), List.of());
    }
    trainer.rehearse(sample(sizes.getFirst()), 1, nanoTime);
    List<Trial> trials = new ArrayList<>();
    Trial best = new Trial(sizes.getFirst(), 0);
    for (int size : sizes) {
      Trial trial = trial(size, globalBatch);
      trials.add(trial);
      if (trial.tokensPerSecond() < LEAST_GAIN * best.tokensPerSecond()) {
        break;
      }
      best = trial;
    }
    return new MicroBatchChoice(best.microBatch(), trials);
  }

  private Trial trial(int size, int globalBatch) {
    int passes = Math.clamp(globalBatch / (2L * size), LEAST_PASSES, MOST_PASSES);
    MicroBatch sample = sample(size);
    long nanos = Math.max(1, trainer.rehearse(sample, passes, nanoTime));
    return new Trial(size, sample.tokenCount() / (nanos / NANOS_PER_SECOND));
  }

  /** The middle ones of {@code size} equal parts of the examples in order of their length. */
  MicroBatch sample(int size) {
    List<Example> sample = new ArrayList<>();
    for (int i = 0; i < size; i++) {
      sample.add(examples.get((int) ((2L * i + 1) * examples.size() / (2L * size))));
    }
    return new MicroBatch(sample);
  }
}
