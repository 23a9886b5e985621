package dev.lorikeet.torch;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Tensors in memory that host and GPU both see under one address (CUDA's managed memory): enough to
 * call kernels on a GPU without libtorch. Reading waits for the GPU. Nothing else is computed here.
 */
public final class ManagedDevice extends Device {
  private static final int ATTACH_GLOBAL = 1;

  private final MethodHandle allocate;
  private final MethodHandle free;
  private final KernelLauncher launcher;

  /** Memory of the GPU whose kernels {@code launcher} starts; both stay with the caller. */
  public ManagedDevice(CudaLibraries libraries, KernelLauncher launcher) {
    SymbolLookup driver = libraries.load(CudaLibraries.DRIVER, "is the driver", "");
    Linker linker = Linker.nativeLinker();
    allocate =
        linker.downcallHandle(
            driver.findOrThrow("cuMemAllocManaged"),
            FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));
    free =
        linker.downcallHandle(
            driver.findOrThrow("cuMemFree_v2"), FunctionDescriptor.of(JAVA_INT, JAVA_LONG));
    this.launcher = launcher;
  }

  /** Copies the bytes of a tensor out. */
  public byte[] bytes(Tensor tensor) {
    byte[] bytes = new byte[Math.toIntExact(tensor.bytes())];
    launcher.read(tensor.address(), MemorySegment.ofArray(bytes));
    return bytes;
  }

  @Override
  public String name() {
    return "managed memory";
  }

  @Override
  public boolean hasHostMemory() {
    return true;
  }

  @Override
  public int threads() {
    return 1;
  }

  @Override
  public void forRange(int count, int grain, RangeTask task) {
    task.run(0, count);
  }

  @Override
  void multiply(
      Transpose transposeA,
      Transpose transposeB,
      float alpha,
      Tensor a,
      Tensor b,
      float beta,
      Tensor c) {
    throw new IllegalStateException("no products here");
  }

  @Override
  long allocate(long bytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment pointer = arena.allocate(ADDRESS);
      int result = (int) allocate.invokeExact(pointer, Math.max(bytes, 1), ATTACH_GLOBAL);
      if (result != 0) {
        throw new IllegalStateException("cuMemAllocManaged: error " + result);
      }
      return pointer.get(ValueLayout.JAVA_LONG, 0);
    } catch (RuntimeException failure) {
      throw failure;
    } catch (Throwable failure) {
      throw new IllegalStateException(failure);
    }
  }

  @Override
  void release(long address, long bytes) {
    try {
      int result = (int) free.invokeExact(address);
      if (result != 0) {
        throw new IllegalStateException("cuMemFree: error " + result);
      }
    } catch (RuntimeException failure) {
      throw failure;
    } catch (Throwable failure) {
      throw new IllegalStateException(failure);
    }
  }

  @Override
  float[] readFloats(Tensor tensor) {
    float[] values = new float[Math.toIntExact(tensor.elements())];
    launcher.read(tensor.address(), MemorySegment.ofArray(values));
    return values;
  }

  @Override
  public void close() {
    // Every tensor was freed by its owner.
  }
}
