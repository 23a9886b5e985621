package dev.lorikeet.torch;

/**
 * Shapes without memory, whose n-th allocation or product fails: every place of a computation where
 * memory can run out, one after the other.
 */
public final class FailingDevice extends WatchedShapes {
  private long eventsLeft;

  /** Thrown instead of the n-th allocation or product. */
  public static final class Failure extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  /** The first {@code events} allocations and products succeed, the next one fails. */
  public FailingDevice(long events) {
    super(1);
    eventsLeft = events;
  }

  /** From now on nothing fails: what is called next only frees. */
  private void event() {
    if (eventsLeft-- == 0) {
      throw new Failure();
    }
  }

  @Override
  void product() {
    event();
  }

  @Override
  long allocate(long bytes) {
    event();
    return super.allocate(bytes);
  }
}
