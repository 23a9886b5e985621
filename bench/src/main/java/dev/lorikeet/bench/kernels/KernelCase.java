package dev.lorikeet.bench.kernels;

import dev.lorikeet.torch.Tensor;
import java.util.ArrayList;
import java.util.List;

/** A kernel with its tensors, which it owns, and the work that one call does. */
final class KernelCase implements AutoCloseable {
  private final Work work;
  private final Tensors tensors;
  private final Runnable kernel;
  private final Runnable reference;
  private final List<Result> results;

  /** What bounds a kernel from below: arithmetic or memory. */
  enum Limit {
    SGEMM,
    STREAM
  }

  /**
   * What one call does.
   *
   * @param amount floating-point operations for SGEMM; for STREAM bytes, each tensor counted once
   *     for being read and once for being written
   */
  record Work(Limit limit, double amount) {}

  /**
   * A tensor that the kernel writes beside the one that the reference writes.
   *
   * @param tolerance largest difference, in units of the largest magnitude expected
   */
  private record Result(String name, Tensor actual, Tensor expected, double tolerance) {}

  /** Takes over the tensors; {@code kernel} and {@code reference} have been given them. */
  KernelCase(Work work, Tensors tensors, Runnable kernel, Runnable reference) {
    this.work = work;
    this.tensors = tensors;
    this.kernel = kernel;
    this.reference = reference;
    results = new ArrayList<>();
  }

  /** Adds a tensor to what {@link #check()} compares. */
  KernelCase expecting(String name, Tensor actual, Tensor expected, double tolerance) {
    results.add(new Result(name, actual, expected, tolerance));
    return this;
  }

  Work work() {
    return work;
  }

  void run() {
    kernel.run();
  }

  /** Runs kernel and reference once and compares what they wrote. */
  void check() {
    kernel.run();
    reference.run();
    if (results.isEmpty()) {
      throw new IllegalStateException("nothing to compare");
    }
    results.forEach(KernelCase::compare);
  }

  private static void compare(Result result) {
    float[] actual = result.actual.toFloats();
    float[] expected = result.expected.toFloats();
    double largest = 0;
    double worst = 0;
    int at = 0;
    for (int i = 0; i < expected.length; i++) {
      largest = Math.max(largest, Math.abs(expected[i]));
      double error = Math.abs((double) actual[i] - expected[i]);
      if (!(error <= worst)) {
        worst = error;
        at = i;
      }
    }
    if (!(largest > 0) || !(worst <= result.tolerance * largest)) {
      throw new IllegalStateException(
          "%s: expected %s at %d, found %s; tolerance %.3g of %.3g"
              .formatted(result.name, expected[at], at, actual[at], result.tolerance, largest));
    }
  }

  @Override
  public void close() {
    tensors.close();
  }
}
