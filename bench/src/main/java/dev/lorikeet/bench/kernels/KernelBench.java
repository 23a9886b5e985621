package dev.lorikeet.bench.kernels;

import dev.lorikeet.torch.CpuDevice;
import dev.lorikeet.torch.Device;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * One kernel at the shapes of one model. Every combination is a process of its own, so that what
 * the JIT learns of one kernel does not touch another. A kernel that disagrees with its reference
 * is not timed: its set-up fails.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class KernelBench {
  /** Name of a case, from {@link KernelCases#names()}. */
  @Param("sgemm peak")
  public String kernel = "";

  /** Name of a {@link KernelShape}. */
  @Param("SMOLLM2")
  public String shape = "";

  /** Workers of the device. */
  @Param("2")
  public int threads;

  private @Nullable CpuDevice device;
  private @Nullable KernelCase current;

  /** Makes the tensors, compares with the reference, and makes them again. */
  @Setup(Level.Trial)
  public void open() {
    CpuDevice cpu = Device.cpu(threads);
    device = cpu;
    try (KernelCase checked = KernelCases.open(kernel, KernelShape.valueOf(shape), cpu)) {
      checked.check();
    }
    current = KernelCases.open(kernel, KernelShape.valueOf(shape), cpu);
  }

  /** One call of the kernel. */
  @Benchmark
  public void call() {
    Objects.requireNonNull(current).run();
  }

  /** Gives everything back. */
  @TearDown(Level.Trial)
  public void close() {
    Objects.requireNonNull(current).close();
    Objects.requireNonNull(device).close();
  }
}
