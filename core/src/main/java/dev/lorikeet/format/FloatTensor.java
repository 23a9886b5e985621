package dev.lorikeet.format;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;

/**
 * A float32 tensor outside any tensor library.
 *
 * @param shape extents, outermost first
 * @param floats row-major little-endian float32, four bytes for every element; lives as long as the
 *     arena that it came from
 */
public record FloatTensor(List<Long> shape, MemorySegment floats) {
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Checks that the segment is as long as the shape says. */
  public FloatTensor {
    shape = List.copyOf(shape);
    if (floats.byteSize() != TensorEntry.elements(shape) * StoredType.F32.bytes()) {
      throw new IllegalStateException(
          "a float32 tensor of shape %s does not have %d bytes"
              .formatted(shape, floats.byteSize()));
    }
  }

  /** A tensor with a copy of {@code values}, freed by the garbage collector. */
  public static FloatTensor of(List<Long> shape, float[] values) {
    MemorySegment floats = Arena.ofAuto().allocate(4L * values.length, 64);
    MemorySegment.copy(values, 0, floats, FLOAT, 0, values.length);
    return new FloatTensor(shape, floats);
  }

  /** Number of elements. */
  public long elements() {
    return floats.byteSize() / StoredType.F32.bytes();
  }

  /** A copy of the elements, row-major. */
  public float[] toArray() {
    return floats.toArray(FLOAT);
  }
}
