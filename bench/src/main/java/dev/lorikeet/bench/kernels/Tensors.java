package dev.lorikeet.bench.kernels;

import dev.lorikeet.torch.DType;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Rng;
import dev.lorikeet.torch.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** Tensors of one case, closed together. Values depend on name and index only. */
final class Tensors implements AutoCloseable {
  private static final Rng RNG = new Rng(1);

  private final Device device;
  private final List<AutoCloseable> open = new ArrayList<>();

  Tensors(Device device) {
    this.device = device;
  }

  /** Uniform numbers from −1 to 1. */
  Tensor random(String name, long... shape) {
    Tensor tensor = empty(shape);
    Rng stream = RNG.split(name);
    float[] values = new float[Math.toIntExact(tensor.elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (2 * stream.uniform(i) - 1);
    }
    return tensor.copyFrom(values);
  }

  /** The same numbers in memory of their own. */
  Tensor copy(Tensor tensor) {
    return empty(tensor.shape()).copyFrom(tensor);
  }

  /** The same numbers, rounded to two bytes each. */
  Tensor half(DType type, Tensor tensor) {
    return keep(device.empty(type, tensor.shape())).roundFrom(tensor);
  }

  /** Zeros, which a kernel is to write over. */
  Tensor empty(long... shape) {
    return keep(device.zeros(shape));
  }

  /** Whole numbers from 0 to {@code bound} − 1. */
  Tensor ids(int count, int bound) {
    Rng stream = RNG.split("ids");
    return keep(
        device.ints(
            IntStream.range(0, count).map(i -> (int) (stream.uniform(i) * bound)).toArray()));
  }

  /** The numbers 0 … length − 1, over and over. */
  Tensor positions(int count, int length) {
    return keep(device.ints(IntStream.range(0, count).map(i -> i % length).toArray()));
  }

  /** Closes {@code owned} with the others. */
  <T extends AutoCloseable> T keep(T owned) {
    open.add(owned);
    return owned;
  }

  @Override
  public void close() {
    for (AutoCloseable owned : open.reversed()) {
      try {
        owned.close();
      } catch (RuntimeException failure) {
        throw failure;
      } catch (Exception failure) {
        throw new IllegalStateException("a tensor could not be closed", failure);
      }
    }
    open.clear();
  }
}
