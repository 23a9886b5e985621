package dev.lorikeet.torch;

/** One block of device memory, shared by a tensor and its views, freed when the last lets go. */
final class Storage {
  private final Device device;
  private final long bytes;
  private final long address;
  private int references = 1;
  private long writes;

  /** {@code address} is 0 on a device without memory. */
  Storage(Device device, long bytes, long address) {
    this.device = device;
    this.bytes = bytes;
    this.address = address;
  }

  Device device() {
    return device;
  }

  long address() {
    if (references <= 0) {
      throw new IllegalStateException("tensor used after its memory was freed");
    }
    return address;
  }

  /** Counts one replacement of contents. */
  void written() {
    writes++;
  }

  long writes() {
    return writes;
  }

  int references() {
    return references;
  }

  void retain() {
    if (references <= 0) {
      throw new IllegalStateException("tensor kept after its memory was freed");
    }
    references++;
  }

  void release() {
    if (references <= 0) {
      throw new IllegalStateException("tensor closed more often than it was kept");
    }
    if (--references == 0) {
      device.free(address, bytes);
    }
  }
}
