package dev.lorikeet.torch;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.lorikeet.error.RunException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/** NVIDIA's run-time compiler for CUDA. It needs neither a GPU nor the toolkit's headers. */
final class Nvrtc {
  private static final int COMPILATION_FAILED = 6;

  /**
   * No contraction of products and sums but where a kernel says fmaf: an expression means the same
   * on every machine, and in the emulation that tests the kernels.
   */
  private static final List<String> OPTIONS = List.of("--std=c++17", "--fmad=false");

  private final SymbolLookup library;

  /** {@code library} is libnvrtc. */
  Nvrtc(SymbolLookup library) {
    this.library = library;
  }

  /**
   * What a GPU's code is compiled to.
   *
   * @param option the architecture as the compiler reads it
   * @param binary whether the result is the GPU's own code, or PTX that its driver translates
   */
  record Target(String option, boolean binary) {}

  /** As in 13.0. */
  String version() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment numbers = arena.allocate(JAVA_INT, 2);
      require(
          call("nvrtcVersion", numbers, numbers.asSlice(Integer.BYTES)), "asking for the version");
      return numbers.getAtIndex(JAVA_INT, 0) + "." + numbers.getAtIndex(JAVA_INT, 1);
    }
  }

  /**
   * The target for a GPU: its own architecture where this compiler knows it, the newest older one
   * as PTX where the GPU is newer than the compiler.
   *
   * @param architecture ten times the compute capability
   * @throws RunException if the GPU is older than all that this compiler knows
   */
  Target target(int architecture) {
    int[] known = architectures();
    int best = Arrays.stream(known).filter(one -> one <= architecture).max().orElse(0);
    if (best == 0) {
      throw new RunException(
          "This GPU has compute capability %s, and CUDA %s compiles for %s and newer only. Train on the CPU (device: cpu), or on a newer GPU."
              .formatted(
                  capability(architecture),
                  version(),
                  capability(Arrays.stream(known).min().orElseThrow())));
    }
    return best == architecture
        ? new Target("--gpu-architecture=sm_" + best, true)
        : new Target("--gpu-architecture=compute_" + best, false);
  }

  private static String capability(int architecture) {
    return architecture / 10 + "." + architecture % 10;
  }

  private int[] architectures() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment count = arena.allocate(JAVA_INT);
      require(call("nvrtcGetNumSupportedArchs", count), "asking for the architectures");
      MemorySegment all = arena.allocate(JAVA_INT, count.get(JAVA_INT, 0));
      require(call("nvrtcGetSupportedArchs", all), "asking for the architectures");
      return all.toArray(JAVA_INT);
    }
  }

  /** The options for a target, for the key of what is compiled. */
  static List<String> options(Target target) {
    return Stream.concat(Stream.of(target.option), OPTIONS.stream()).toList();
  }

  /**
   * Compiles kernels.
   *
   * @return CUBIN or PTX
   * @throws IllegalStateException with the compiler's log if the source is wrong
   */
  byte[] compile(String source, Target target) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment program = arena.allocate(ADDRESS);
      require(
          call(
              "nvrtcCreateProgram",
              program,
              arena.allocateFrom(source),
              arena.allocateFrom("kernels.cu"),
              0,
              MemorySegment.NULL,
              MemorySegment.NULL),
          "making a program");
      try {
        return compile(arena, program.get(ADDRESS, 0), target);
      } finally {
        require(call("nvrtcDestroyProgram", program), "freeing a program");
      }
    }
  }

  private byte[] compile(Arena arena, MemorySegment program, Target target) {
    List<String> options = options(target);
    MemorySegment pointers = arena.allocate(ADDRESS, options.size());
    for (int i = 0; i < options.size(); i++) {
      pointers.setAtIndex(ADDRESS, i, arena.allocateFrom(options.get(i)));
    }
    int result = call("nvrtcCompileProgram", program, options.size(), pointers);
    if (result == COMPILATION_FAILED) {
      byte[] log = bytes(arena, program, "nvrtcGetProgramLogSize", "nvrtcGetProgramLog");
      throw new IllegalStateException(
          "CUDA %s could not compile the kernels with %s:%n%s"
              .formatted(
                  version(), String.join(" ", options), MemorySegment.ofArray(log).getString(0)));
    }
    require(result, "compiling the kernels with " + String.join(" ", options));
    return target.binary
        ? bytes(arena, program, "nvrtcGetCUBINSize", "nvrtcGetCUBIN")
        : bytes(arena, program, "nvrtcGetPTXSize", "nvrtcGetPTX");
  }

  private byte[] bytes(Arena arena, MemorySegment program, String sizeOf, String get) {
    MemorySegment size = arena.allocate(JAVA_LONG);
    require(call(sizeOf, program, size), sizeOf);
    MemorySegment bytes = arena.allocate(size.get(JAVA_LONG, 0));
    require(call(get, program, bytes), get);
    return bytes.toArray(JAVA_BYTE);
  }

  /** Calls a function that takes pointers and ints and gives an int. */
  private int call(String name, Object... arguments) {
    MemoryLayout[] parameters =
        Arrays.stream(arguments)
            .map(argument -> argument instanceof Integer ? JAVA_INT : ADDRESS)
            .toArray(MemoryLayout[]::new);
    MethodHandle function =
        CudaLibraries.function(
            library,
            "CUDA's run-time compiler",
            "Install CUDA 13, or set CUDA_HOME to it.",
            name,
            parameters);
    try {
      return (int) function.invokeWithArguments(arguments);
    } catch (Throwable failure) {
      throw new IllegalStateException(name, failure);
    }
  }

  private static void require(int result, String doing) {
    if (result != 0) {
      throw new RunException(
          "CUDA's run-time compiler failed at %s (NVRTC error %d). lorikeet doctor says whether driver and CUDA fit."
              .formatted(doing, result));
    }
  }
}
