package dev.lorikeet.train;

/**
 * How the work of one step is cut: what changes memory and time, and results by rounding at most.
 *
 * @param microBatch examples of one forward and backward pass, at least 1
 * @param recompute whether blocks run again on the way back
 * @param lossChunkFloats logits that exist at one time, at most
 */
public record StepShape(int microBatch, boolean recompute, long lossChunkFloats) {
  /** 32 MiB of logits. */
  public static final long DEFAULT_LOSS_CHUNK = 8L << 20;

  /** Fewer logits at a time save nothing that would matter. */
  public static final long SMALLEST_LOSS_CHUNK = 1L << 18;

  public StepShape {
    if (microBatch < 1 || lossChunkFloats < 1) {
      throw new IllegalArgumentException(
          "micro-batch %d, logits %d".formatted(microBatch, lossChunkFloats));
    }
  }

  StepShape withMicroBatch(int examples) {
    return new StepShape(examples, recompute, lossChunkFloats);
  }

  StepShape withRecompute() {
    return new StepShape(microBatch, true, lossChunkFloats);
  }

  StepShape withLossChunk(long floats) {
    return new StepShape(microBatch, recompute, floats);
  }
}
