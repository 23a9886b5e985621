package dev.lorikeet.torch;

/**
 * Shapes without memory, whose n-th allocation or product fails: every place of a computation where
 * memory can run out, one after the other.
 */
public final class FailingDevice extends Device {
  private long eventsLeft;

  /** Thrown instead of the n-th allocation or product. */
  public static final class Failure extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  /** The first {@code events} allocations and products succeed, the next one fails. */
  public FailingDevice(long events) {
    eventsLeft = events;
  }

  /** From now on nothing fails: what is called next only frees. */
  private void event() {
    if (eventsLeft-- == 0) {
      throw new Failure();
    }
  }

  @Override
  public String name() {
    return "failing";
  }

  @Override
  public boolean hasHostMemory() {
    return false;
  }

  @Override
  public int threads() {
    return 1;
  }

  @Override
  public void forRange(int count, int grain, RangeTask task) {}

  @Override
  void multiply(
      Transpose transposeA,
      Transpose transposeB,
      float alpha,
      Tensor a,
      Tensor b,
      float beta,
      Tensor c) {
    event();
  }

  @Override
  long allocate(long bytes) {
    event();
    return 0;
  }

  @Override
  void release(long address, long bytes) {}

  @Override
  float[] readFloats(Tensor tensor) {
    return new float[Math.toIntExact(tensor.elements())];
  }

  @Override
  public void close() {}
}
