package dev.lorikeet.data;

import java.util.List;

/**
 * The examples of one forward and backward pass.
 *
 * @param examples at least one
 */
public record MicroBatch(List<Example> examples) {
  public MicroBatch {
    examples = List.copyOf(examples);
    if (examples.isEmpty()) {
      throw new IllegalArgumentException("a micro-batch has at least one example");
    }
  }

  /** All examples joined without padding. */
  public PackedBatch packed() {
    return PackedBatch.of(examples);
  }

  /** Labels of all examples. */
  public int labelCount() {
    return examples.stream().mapToInt(Example::labelCount).sum();
  }

  /** Tokens of all examples. */
  public int tokenCount() {
    return examples.stream().mapToInt(Example::length).sum();
  }
}
