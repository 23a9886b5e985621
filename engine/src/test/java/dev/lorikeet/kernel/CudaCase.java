package dev.lorikeet.kernel;

import dev.lorikeet.torch.DType;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Rng;
import dev.lorikeet.torch.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntToDoubleFunction;

/**
 * Something that kernels of a GPU compute and what it is compared with. The same cases run under
 * emulation and on a GPU.
 *
 * @param run computes with given kernels, on tensors of their device
 * @param bounds how far each result may be from the expected ones, element by element
 */
record CudaCase(String name, Run run, Bounds bounds) {

  /** Gives the results as they were read back. */
  @FunctionalInterface
  interface Run {
    List<float[]> results(Kernels kernels, Memory memory);
  }

  /** A bound for every result. */
  @FunctionalInterface
  interface Bounds {
    List<IntToDoubleFunction> of(List<float[]> expected);
  }

  /** Tensors of one run on one device, made of values that the caller has. */
  static final class Memory implements AutoCloseable {
    private final Device device;
    private final List<Tensor> owned = new ArrayList<>();

    Memory(Device device) {
      this.device = device;
    }

    Device device() {
      return device;
    }

    Tensor floats(float[] values, long... shape) {
      return keep(device.floats(shape)).copyFrom(values);
    }

    /** Numbers that are none: whoever reads them before writing is found out. */
    Tensor garbage(long... shape) {
      Tensor tensor = keep(device.floats(shape));
      float[] none = new float[Math.toIntExact(tensor.elements())];
      java.util.Arrays.fill(none, Float.NaN);
      return tensor.copyFrom(none);
    }

    Tensor ints(int... values) {
      return keep(device.ints(values));
    }

    Tensor bytes(DType type, byte[] values, long... shape) {
      return keep(device.empty(type, shape)).copyFrom(MemorySegment.ofArray(values));
    }

    /** {@code values} rounded to two bytes an element. */
    Tensor half(DType type, float[] values, long... shape) {
      return keep(device.empty(type, shape)).roundFrom(floats(values, shape));
    }

    Tensor keep(Tensor tensor) {
      owned.add(tensor);
      return tensor;
    }

    @Override
    public void close() {
      owned.forEach(Tensor::close);
    }
  }

  /** Whole numbers below {@code bound}. */
  static int[] ids(String seed, int count, int bound) {
    Rng rng = new Rng(7).split(seed);
    int[] ids = new int[count];
    for (int i = 0; i < count; i++) {
      ids[i] = (int) (rng.uniform(i) * bound);
    }
    return ids;
  }

  static byte[] randomBytes(String seed, int count) {
    byte[] bytes = new byte[count];
    int[] ids = ids(seed, count, 256);
    for (int i = 0; i < count; i++) {
      bytes[i] = (byte) ids[i];
    }
    return bytes;
  }

  @Override
  public String toString() {
    return name;
  }
}
