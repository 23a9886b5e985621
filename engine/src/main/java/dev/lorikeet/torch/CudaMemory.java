package dev.lorikeet.torch;

import java.util.OptionalLong;
import java.util.function.ToLongFunction;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.cuda.DeviceAllocator;
import org.bytedeco.pytorch.cuda.DeviceStats;
import org.bytedeco.pytorch.global.torch_cuda;

/**
 * A GPU's memory by the statistics of libtorch's caching allocator, which gives out what tensors
 * have and what libtorch's operations take in between. What the driver and CUDA's libraries take
 * for themselves is not in them.
 *
 * <p>The statistics begin with the allocator, whose first block is the first tensor's.
 */
final class CudaMemory implements PeakMemory {
  private final DeviceAllocator allocator;
  private final byte gpu;

  private CudaMemory(DeviceAllocator allocator, byte gpu) {
    this.allocator = allocator;
    this.gpu = gpu;
  }

  /** That of libtorch's place {@code cuda:N}; libtorch for CUDA is loaded. */
  static CudaMemory of(String place) {
    // The caching allocator is the only one there, and it is a DeviceAllocator.
    DeviceAllocator allocator = new DeviceAllocator(torch_cuda.getCUDADeviceAllocator());
    try (PointerScope _ = new PointerScope()) {
      return new CudaMemory(allocator, new org.bytedeco.pytorch.Device(place).index());
    }
  }

  @Override
  public void reset() {
    if (allocator.initialized()) {
      allocator.resetPeakStats(gpu);
    }
  }

  @Override
  public long bytes() {
    return statistic(statistics -> statistics.allocated_bytes().peak());
  }

  @Override
  public OptionalLong reservedBytes() {
    return OptionalLong.of(statistic(statistics -> statistics.reserved_bytes().peak()));
  }

  /** A statistic of small and large blocks together, which stands first in its array. */
  private long statistic(ToLongFunction<DeviceStats> which) {
    try (PointerScope _ = new PointerScope()) {
      return allocator.initialized() ? which.applyAsLong(allocator.getDeviceStats(gpu)) : 0;
    }
  }
}
