package dev.lorikeet.format;

import java.util.List;

/**
 * Where one tensor lies in a safetensors file.
 *
 * @param name key in the header, in Hugging Face's naming
 * @param type stored number format
 * @param shape extents, outermost first, each at least 0; empty for a scalar
 * @param begin first byte, counted from the end of the header
 * @param end one past the last byte, counted from the end of the header
 */
public record TensorEntry(String name, StoredType type, List<Long> shape, long begin, long end) {
  /** Copies the shape. */
  public TensorEntry {
    shape = List.copyOf(shape);
    if (begin < 0 || end - begin != elements(shape) * type.bytes()) {
      throw new IllegalStateException(name + ": offsets do not fit the shape");
    }
  }

  /** Number of elements: the product of the shape, 1 for a scalar. */
  public long elements() {
    return elements(shape);
  }

  /** Number of bytes in the file. */
  public long sizeBytes() {
    return end - begin;
  }

  /**
   * Product of the extents.
   *
   * @throws ArithmeticException if the product exceeds a long
   */
  static long elements(List<Long> shape) {
    long elements = 1;
    for (long extent : shape) {
      elements = Math.multiplyExact(elements, extent);
    }
    return elements;
  }
}
