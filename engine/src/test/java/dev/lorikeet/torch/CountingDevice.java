package dev.lorikeet.torch;

import dev.lorikeet.kernel.CountedKernels;
import dev.lorikeet.kernel.Kernels;
import java.util.SortedMap;
import java.util.TreeMap;

/** The shape-only device, which counts matrix products and calls of kernels by their names. */
public final class CountingDevice extends WatchedShapes implements Kernels.Provider {
  private final SortedMap<String, Integer> calls = new TreeMap<>();
  private int products;

  /** Stands for a device of {@code threads} workers. */
  public CountingDevice(int threads) {
    super(threads);
  }

  /** Matrix products of float32 since {@link #reset()}. */
  public int products() {
    return products;
  }

  /** Calls since {@link #reset()}, by the name of the kernel. */
  public SortedMap<String, Integer> calls() {
    return new TreeMap<>(calls);
  }

  /** Counts from zero. */
  public void reset() {
    products = 0;
    calls.clear();
  }

  @Override
  public Kernels kernels() {
    return CountedKernels.of(this, name -> calls.merge(name, 1, Integer::sum));
  }

  @Override
  void product() {
    products++;
  }
}
