package dev.lorikeet.format;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * One tensor to be written.
 *
 * @param type stored number format of {@code bytes}
 * @param shape extents, outermost first; empty for a scalar
 * @param bytes row-major little-endian elements, exactly as many as the shape says; the caller
 *     keeps the segment alive while it is written
 */
public record TensorData(StoredType type, List<Long> shape, MemorySegment bytes) {
  /** Checks that the bytes are as many as type and shape say. */
  public TensorData {
    shape = List.copyOf(shape);
    long expected = Math.multiplyExact(TensorEntry.elements(shape), type.bytes());
    if (shape.stream().anyMatch(extent -> extent < 0) || bytes.byteSize() != expected) {
      throw new IllegalStateException(
          "a tensor of shape %s and type %s has %d bytes, not %d"
              .formatted(shape, type, expected, bytes.byteSize()));
    }
  }

  /** The same matrix with rows and columns exchanged, in memory of {@code arena}. */
  public TensorData turned(Arena arena) {
    MemorySegment turned = arena.allocate(bytes.byteSize());
    HfCheckpoint.turn(bytes, shape.getLast(), type.bytes(), turned);
    return new TensorData(type, shape.reversed(), turned);
  }
}
