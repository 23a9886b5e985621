package dev.lorikeet.format;

import java.util.List;

/**
 * A tensor of a GGUF file.
 *
 * @param name as llama.cpp has it, such as {@code blk.0.attn_q.weight}
 * @param type number format
 * @param shape extents, outermost first: the other way around than in the file
 * @param begin first byte, counted from the beginning of the file
 * @param bytes number of bytes
 */
public record GgufTensor(String name, GgufType type, List<Long> shape, long begin, long bytes) {
  public GgufTensor {
    shape = List.copyOf(shape);
  }

  /** Number of weights. */
  public long elements() {
    return TensorEntry.elements(shape);
  }

  /** Weights in a row, which lie behind each other. */
  public long rowElements() {
    return shape.isEmpty() ? 1 : shape.getLast();
  }
}
