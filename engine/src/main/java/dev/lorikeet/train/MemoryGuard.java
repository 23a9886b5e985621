package dev.lorikeet.train;

import dev.lorikeet.error.ConfigException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.function.ToLongFunction;

/**
 * Finds, before anything is allocated, a way to cut a step that fits into memory.
 *
 * <p>Where the wanted way does not fit, these are tried in order, and each that is taken is told
 * once: smaller micro-batches with more accumulation, recompute, fewer logits at a time. None
 * changes what is learned but for rounding.
 *
 * @param need bytes of tensors that a step needs at its highest, weights and states included
 * @param availableBytes what the process may take
 * @param notice hears a sentence for every change
 */
public record MemoryGuard(
    ToLongFunction<StepShape> need, long availableBytes, Consumer<String> notice) {

  /** Share of the memory that tensors may have; the rest is for what an allocator keeps ready. */
  private static final double USABLE = 0.9;

  private static final double MEBI = 1L << 20;
  private static final double GIBI = 1L << 30;

  /** Whether a step in this shape fits. */
  public boolean fits(StepShape shape) {
    return need.applyAsLong(shape) <= USABLE * availableBytes;
  }

  /**
   * The wanted shape, or the first on the way down that fits.
   *
   * @param globalBatch examples of a step; smaller micro-batches divide it
   * @throws ConfigException if nothing fits, with what the smallest shape needs
   */
  public StepShape fit(StepShape wanted, int globalBatch) {
    if (fits(wanted)) {
      return wanted;
    }
    return fitWithMicroBatch(smallerMicroBatch(wanted, globalBatch));
  }

  /**
   * The same, but the micro-batch stays, because what is learned depends on it.
   *
   * @throws ConfigException if nothing fits, with what the smallest shape needs
   */
  public StepShape fitWithMicroBatch(StepShape wanted) {
    StepShape shape = wanted;
    if (!fits(shape) && !shape.recompute()) {
      shape = shape.withRecompute();
      notice.accept(
          "activations are computed again on the way back (train.recompute), so that a step fits: it needs %s of the %s that are free."
              .formatted(needed(shape), words(availableBytes)));
    }
    if (!fits(shape)) {
      shape = fewerLogits(shape);
    }
    if (!fits(shape)) {
      throw new ConfigException(
          "a step does not fit into memory: with %s at a time, recompute and the fewest logits it needs %s, and %s are free. Shorter sequences (data.max_seq_len), a smaller model, fewer trained weights or a machine with more memory would fit."
              .formatted(
                  shape.microBatch() == 1 ? "one example" : shape.microBatch() + " examples",
                  needed(shape),
                  words(availableBytes)));
    }
    return shape;
  }

  private StepShape smallerMicroBatch(StepShape wanted, int globalBatch) {
    List<StepShape> smaller =
        candidates(globalBatch).stream()
            .filter(examples -> examples < wanted.microBatch())
            .map(wanted::withMicroBatch)
            .toList();
    if (smaller.isEmpty()) {
      return wanted;
    }
    StepShape found = smaller.stream().filter(this::fits).findFirst().orElse(smaller.getLast());
    notice.accept(
        "train.micro_batch %d does not fit (%s of %s free), so a step takes %d micro-batches of %d; the global batch stays %d."
            .formatted(
                wanted.microBatch(),
                needed(wanted),
                words(availableBytes),
                globalBatch / found.microBatch(),
                found.microBatch(),
                globalBatch));
    return found;
  }

  private StepShape fewerLogits(StepShape start) {
    StepShape shape = start;
    while (!fits(shape) && shape.lossChunkFloats() > StepShape.SMALLEST_LOSS_CHUNK) {
      shape = shape.withLossChunk(shape.lossChunkFloats() / 2);
    }
    notice.accept(
        String.format(
            Locale.ROOT,
            "logits are computed %,d numbers at a time instead of %,d, so that a step fits.",
            shape.lossChunkFloats(),
            start.lossChunkFloats()));
    return shape;
  }

  /** Divisors of {@code globalBatch}, the largest first. */
  static List<Integer> candidates(int globalBatch) {
    List<Integer> divisors = new ArrayList<>();
    for (int examples = globalBatch; examples >= 1; examples--) {
      if (globalBatch % examples == 0) {
        divisors.add(examples);
      }
    }
    return divisors;
  }

  /**
   * The micro-batches to choose from, the smallest first: the largest divisor of {@code
   * globalBatch} that fits, and downwards divisors of at most half of the one before. Together they
   * are less than twice the largest.
   *
   * @param start the rest of the shape; fits with one example at a time
   * @param largest no size is larger, at least 1
   */
  public List<Integer> microBatches(StepShape start, int globalBatch, int largest) {
    List<Integer> sizes = new ArrayList<>();
    for (int examples : candidates(globalBatch)) {
      boolean next =
          sizes.isEmpty()
              ? examples <= largest && (examples == 1 || fits(start.withMicroBatch(examples)))
              : 2 * examples <= sizes.getLast();
      if (next) {
        sizes.add(examples);
      }
    }
    return sizes.reversed();
  }

  private String needed(StepShape shape) {
    return words(need.applyAsLong(shape));
  }

  /** {@code bytes} as people say it. */
  public static String words(long bytes) {
    return bytes < GIBI
        ? String.format(Locale.ROOT, "%.1f MiB", bytes / MEBI)
        : String.format(Locale.ROOT, "%.2f GiB", bytes / GIBI);
  }
}
