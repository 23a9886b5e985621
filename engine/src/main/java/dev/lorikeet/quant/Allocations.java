package dev.lorikeet.quant;

import dev.lorikeet.torch.DType;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** Tensors that are freed together unless somebody takes them over. */
final class Allocations implements AutoCloseable {
  private final Device device;
  private final List<Tensor> tensors = new ArrayList<>();

  Allocations(Device device) {
    this.device = device;
  }

  Tensor empty(DType type, long elements) {
    Tensor tensor = device.empty(type, elements);
    tensors.add(tensor);
    return tensor;
  }

  /** A tensor with the bytes of {@code source}, which are elements of {@code type}. */
  Tensor copy(DType type, MemorySegment source) {
    return empty(type, source.byteSize() / type.bytes()).copyFrom(source);
  }

  /** A tensor with the elements of {@code source}, which may lie on another device. */
  Tensor copy(Tensor source) {
    Tensor tensor = source.on(device);
    tensors.add(tensor);
    return tensor;
  }

  /** Somebody else closes them from now on. */
  void handOver() {
    tensors.clear();
  }

  @Override
  public void close() {
    tensors.forEach(Tensor::close);
  }
}
