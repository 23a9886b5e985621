package dev.lorikeet.train;

import dev.lorikeet.torch.DType;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * What the host must know of a step before it updates: the loss of every labelled token, and the
 * sum of the squares of all gradients. They stay where they are computed until {@link #read} copies
 * all of them at once, so that a step waits for its device once.
 */
final class StepNumbers implements AutoCloseable {
  /** uint8: the sum, a double, and behind it the losses, float32. */
  private final Tensor memory;

  private final int labels;
  private int taken;

  /** Room for the losses of {@code labels} tokens. */
  StepNumbers(Device device, int labels) {
    memory = device.empty(DType.UINT8, Double.BYTES + (long) labels * Float.BYTES);
    this.labels = labels;
  }

  /** Where the next {@code count} losses belong, float32 [count]; close it. */
  Tensor nextLosses(int count) {
    Tensor losses = memory.view(DType.FLOAT32, Double.BYTES + (long) taken * Float.BYTES, count);
    taken += count;
    return losses;
  }

  /** Where the sum of squares belongs: the bytes of a double, uint8 [8]; close it. */
  Tensor squares() {
    return memory.rows(0, Double.BYTES);
  }

  /**
   * What was computed.
   *
   * @param losses −log p of every labelled token, in the order in which their room was taken
   * @param squares the sum of squares
   */
  @SuppressWarnings("ArrayRecordComponent") // only carries them, is never compared
  record Read(float[] losses, double squares) {}

  /** Waits for everything that was begun on the device; without memory all is zero. */
  Read read() {
    // Of longs, so that it is aligned for the double.
    long[] room = new long[Math.toIntExact(Math.ceilDiv(memory.bytes(), Long.BYTES))];
    MemorySegment copy = MemorySegment.ofArray(room).asSlice(0, memory.bytes());
    memory.copyTo(copy);
    float[] losses = new float[labels];
    MemorySegment.copy(copy, ValueLayout.JAVA_FLOAT, Double.BYTES, losses, 0, labels);
    return new Read(losses, copy.get(ValueLayout.JAVA_DOUBLE, 0));
  }

  @Override
  public void close() {
    memory.close();
  }
}
