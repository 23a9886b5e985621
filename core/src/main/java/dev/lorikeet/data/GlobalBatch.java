package dev.lorikeet.data;

import java.util.List;

/**
 * The examples of one step.
 *
 * @param step from 0
 * @param epoch from 0
 * @param microBatches at least one
 */
public record GlobalBatch(long step, int epoch, List<MicroBatch> microBatches) {
  public GlobalBatch {
    microBatches = List.copyOf(microBatches);
    if (microBatches.isEmpty()) {
      throw new IllegalArgumentException("step " + step + " has no example");
    }
  }

  /** Labels of all examples: the divisor of a token-weighted loss. */
  public long labelCount() {
    return microBatches.stream().mapToLong(MicroBatch::labelCount).sum();
  }

  /** Tokens of all examples. */
  public long tokenCount() {
    return microBatches.stream().mapToLong(MicroBatch::tokenCount).sum();
  }

  /** Number of examples; smaller than the global batch in the last step of an epoch. */
  public int exampleCount() {
    return microBatches.stream().mapToInt(batch -> batch.examples().size()).sum();
  }
}
