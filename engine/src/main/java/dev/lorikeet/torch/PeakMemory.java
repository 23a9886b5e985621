package dev.lorikeet.torch;

import java.util.OptionalLong;

/** The most memory of its device that was in use at one time since {@link #reset}. */
public interface PeakMemory {

  /** Begins anew with what is in use now. */
  void reset();

  /** Bytes in use: those of tensors, or all that the device's allocator gave out where it tells. */
  long bytes();

  /**
   * Bytes that the device's allocator held, those for later use included; empty where tensors are
   * all that is counted.
   */
  OptionalLong reservedBytes();

  /** What the books of tensors say. */
  static PeakMemory of(MemoryLedger tensors) {
    return new PeakMemory() {
      @Override
      public void reset() {
        tensors.resetPeak();
      }

      @Override
      public long bytes() {
        return tensors.peakBytes();
      }

      @Override
      public OptionalLong reservedBytes() {
        return OptionalLong.empty();
      }
    };
  }
}
