package dev.lorikeet.torch;

/**
 * Counts the bytes that tensors of one device hold, live and at their highest. The shape-only
 * device keeps the same books without the memory, so a plan and a run are comparable.
 *
 * <p>Counts are the tensors' own bytes; what an allocator rounds up or keeps in reserve is not in
 * them. Safe for use by several threads.
 */
public final class MemoryLedger {
  private long currentBytes;
  private long peakBytes;
  private long allocations;

  synchronized void allocated(long bytes) {
    currentBytes += bytes;
    allocations++;
    peakBytes = Math.max(peakBytes, currentBytes);
  }

  synchronized void freed(long bytes) {
    currentBytes -= bytes;
    if (currentBytes < 0) {
      throw new IllegalStateException("more bytes freed than allocated: " + currentBytes);
    }
  }

  /** Bytes held now. */
  public synchronized long currentBytes() {
    return currentBytes;
  }

  /** The most bytes ever held at one time since creation or {@link #resetPeak()}. */
  public synchronized long peakBytes() {
    return peakBytes;
  }

  /** Number of allocations so far. */
  public synchronized long allocations() {
    return allocations;
  }

  /** Starts a new measurement of the peak at today's level. */
  public synchronized void resetPeak() {
    peakBytes = currentBytes;
  }
}
