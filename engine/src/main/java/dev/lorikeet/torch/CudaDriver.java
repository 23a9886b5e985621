package dev.lorikeet.torch;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.lorikeet.error.RunException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;

/**
 * The functions of CUDA's driver that launch kernels, in the primary context of one GPU: the one
 * that libtorch uses, so that tensors of the one are those of the other. Launches go to the default
 * stream, where libtorch's operations wait for each other, too.
 */
final class CudaDriver {
  private static final int MAJOR = 75;
  private static final int MINOR = 76;

  private final SymbolLookup library;
  private final MethodHandle setCurrent;
  private final MethodHandle launchKernel;
  private final MethodHandle copyToHost;
  private final MethodHandle errorString;
  private final int device;
  private final MemorySegment context;

  /**
   * Opens a GPU.
   *
   * @param library libcuda
   * @param ordinal which GPU, from 0
   * @throws RunException if there is no such GPU, or its driver does not work
   */
  CudaDriver(SymbolLookup library, int ordinal) {
    this.library = library;
    errorString = function("cuGetErrorString", JAVA_INT, ADDRESS);
    setCurrent = function("cuCtxSetCurrent", ADDRESS);
    copyToHost = function("cuMemcpyDtoH_v2", ADDRESS, JAVA_LONG, JAVA_LONG);
    MemoryLayout[] launch = new MemoryLayout[11];
    Arrays.fill(launch, JAVA_INT);
    launch[0] = ADDRESS;
    Arrays.fill(launch, 8, launch.length, ADDRESS);
    launchKernel = function("cuLaunchKernel", launch);
    try (Arena arena = Arena.ofConfined()) {
      call("starting CUDA", function("cuInit", JAVA_INT), 0);
      MemorySegment number = arena.allocate(JAVA_INT);
      call("opening GPU " + ordinal, function("cuDeviceGet", ADDRESS, JAVA_INT), number, ordinal);
      device = number.get(JAVA_INT, 0);
      MemorySegment pointer = arena.allocate(ADDRESS);
      call(
          "taking the context of GPU " + ordinal,
          function("cuDevicePrimaryCtxRetain", ADDRESS, JAVA_INT),
          pointer,
          device);
      context = pointer.get(ADDRESS, 0);
    }
  }

  /** Ten times the compute capability. */
  int architecture() {
    return 10 * attribute(MAJOR) + attribute(MINOR);
  }

  private int attribute(int which) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(JAVA_INT);
      call(
          "asking a GPU what it can do",
          function("cuDeviceGetAttribute", ADDRESS, JAVA_INT, JAVA_INT),
          value,
          which,
          device);
      return value.get(JAVA_INT, 0);
    }
  }

  /** Loads compiled kernels, CUBIN or PTX. */
  MemorySegment module(byte[] image) {
    try (Arena arena = Arena.ofConfined()) {
      makeCurrent();
      MemorySegment bytes = arena.allocate(image.length + 1L);
      MemorySegment.copy(MemorySegment.ofArray(image), 0, bytes, 0, image.length);
      MemorySegment module = arena.allocate(ADDRESS);
      call(
          "loading the compiled kernels",
          function("cuModuleLoadData", ADDRESS, ADDRESS),
          module,
          bytes);
      return module.get(ADDRESS, 0);
    }
  }

  /** A kernel of a module. */
  MemorySegment kernel(MemorySegment module, String name) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment kernel = arena.allocate(ADDRESS);
      call(
          "looking for kernel " + name,
          function("cuModuleGetFunction", ADDRESS, ADDRESS, ADDRESS),
          kernel,
          module,
          arena.allocateFrom(name));
      return kernel.get(ADDRESS, 0);
    }
  }

  void launch(String name, MemorySegment kernel, KernelLauncher.Grid grid, KernelArgument[] given) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment pointers = arena.allocate(ADDRESS, given.length);
      for (int i = 0; i < given.length; i++) {
        pointers.setAtIndex(ADDRESS, i, given[i].place(arena));
      }
      makeCurrent();
      int result =
          (int)
              launchKernel.invokeExact(
                  kernel,
                  grid.blocks(),
                  grid.rows(),
                  1,
                  grid.threads(),
                  1,
                  1,
                  0,
                  MemorySegment.NULL,
                  pointers,
                  MemorySegment.NULL);
      require(result, "launching kernel " + name);
    } catch (RunException refused) {
      throw refused;
    } catch (Throwable failure) {
      throw new IllegalStateException("launching kernel " + name, failure);
    }
  }

  void read(long address, MemorySegment into) {
    try (Arena arena = Arena.ofConfined()) {
      makeCurrent();
      MemorySegment copy = arena.allocate(into.byteSize());
      call("reading memory of the GPU", copyToHost, copy, address, into.byteSize());
      into.copyFrom(copy);
    }
  }

  /** Memory of the GPU that no process has. */
  long freeBytes() {
    try (Arena arena = Arena.ofConfined()) {
      makeCurrent();
      MemorySegment sizes = arena.allocate(JAVA_LONG, 2);
      call(
          "asking for the GPU's free memory",
          function("cuMemGetInfo_v2", ADDRESS, ADDRESS),
          sizes,
          sizes.asSlice(Long.BYTES));
      return sizes.get(JAVA_LONG, 0);
    }
  }

  void unload(MemorySegment module) {
    makeCurrent();
    call("unloading kernels", function("cuModuleUnload", ADDRESS), module);
  }

  /** Gives back the context; libtorch may hold it still. */
  void release() {
    call("giving back a GPU's context", function("cuDevicePrimaryCtxRelease_v2", JAVA_INT), device);
  }

  private void makeCurrent() {
    int result;
    try {
      result = (int) setCurrent.invokeExact(context);
    } catch (Throwable failure) {
      throw new IllegalStateException("cuCtxSetCurrent", failure);
    }
    require(result, "choosing a GPU's context");
  }

  private MethodHandle function(String name, MemoryLayout... parameters) {
    return CudaLibraries.function(
        library,
        "The NVIDIA driver's library",
        "CUDA 13 needs a driver of version 580 or later.",
        name,
        parameters);
  }

  private void call(String doing, MethodHandle function, Object... arguments) {
    int result;
    try {
      result = (int) function.invokeWithArguments(arguments);
    } catch (Throwable failure) {
      throw new IllegalStateException(doing, failure);
    }
    require(result, doing);
  }

  private void require(int result, String doing) {
    if (result != 0) {
      throw new RunException(
          "CUDA failed at %s: %s (error %d). lorikeet doctor says whether driver and CUDA fit."
              .formatted(doing, text(result), result));
    }
  }

  private String text(int result) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment pointer = arena.allocate(ADDRESS);
      int known = (int) errorString.invokeExact(result, pointer);
      return known == 0
          ? pointer.get(ADDRESS, 0).reinterpret(Long.MAX_VALUE).getString(0)
          : "unknown to the driver";
    } catch (Throwable failure) {
      throw new IllegalStateException("cuGetErrorString", failure);
    }
  }
}
