package dev.lorikeet.cli;

import dev.lorikeet.torch.ContainerMemory;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What a machine offers to Lorikeet.
 *
 * @param java the Java that runs
 * @param cpu the processor
 * @param memory main memory
 * @param disks the places that Lorikeet writes to
 * @param libraries the native libraries on the class path; none of them is loaded
 * @param cuda NVIDIA GPUs and what they need
 * @param libc the C library
 */
record Machine(
    Java java,
    Cpu cpu,
    Memory memory,
    List<Disk> disks,
    List<Library> libraries,
    Cuda cuda,
    Libc libc) {

  Machine {
    disks = List.copyOf(disks);
    libraries = List.copyOf(libraries);
  }

  /**
   * The running Java.
   *
   * @param feature the number before the first dot
   * @param version the whole version
   * @param vendor who built it
   * @param vectorModule whether the Vector API is there
   */
  record Java(int feature, String version, String vendor, boolean vectorModule) {}

  /**
   * The processor.
   *
   * @param name as the maker calls it
   * @param cores logical cores that this process may use
   * @param arch {@code amd64}, {@code aarch64}, …
   * @param flags the instruction sets in lower case, as Linux names them; may be empty elsewhere
   */
  record Cpu(String name, int cores, String arch, Set<String> flags) {
    Cpu {
      flags = Set.copyOf(flags);
    }
  }

  /**
   * Main memory.
   *
   * @param totalBytes of the machine
   * @param availableBytes not in use, on the machine
   * @param container the limit of the container
   */
  record Memory(long totalBytes, long availableBytes, Optional<ContainerMemory> container) {
    /** What this process could still take. */
    long usableBytes() {
      long inContainer = container.map(ContainerMemory::freeBytes).orElse(Long.MAX_VALUE);
      return Math.min(availableBytes, inContainer);
    }
  }

  /**
   * A place that Lorikeet writes to.
   *
   * @param use what for
   * @param path the folder
   * @param freeBytes free for this user
   */
  record Disk(String use, Path path, long freeBytes) {}

  /**
   * A native library.
   *
   * @param name {@code libtorch}, {@code BLAS}, {@code tokenizer}
   * @param jar the file name of the jar that holds the library for this machine, empty where the
   *     class path has none
   */
  record Library(String name, Optional<String> jar) {}

  /**
   * NVIDIA GPUs, and the libraries without which they stay idle.
   *
   * @param gpus those that there are
   * @param runtime CUDA 13's run time, where it was found
   * @param dnn cuDNN 9
   * @param compiler NVRTC of CUDA 13 or 12
   * @param missing what else libtorch for CUDA is linked against and was not found
   */
  record Cuda(
      List<Gpu> gpus,
      Optional<Path> runtime,
      Optional<Path> dnn,
      Optional<Path> compiler,
      List<String> missing) {
    Cuda {
      gpus = List.copyOf(gpus);
      missing = List.copyOf(missing);
    }

    /** No GPU and nothing for one. */
    static Cuda none() {
      return new Cuda(List.of(), Optional.empty(), Optional.empty(), Optional.empty(), List.of());
    }
  }

  /**
   * An NVIDIA GPU.
   *
   * @param name as the maker calls it
   * @param memory as the driver reports it
   * @param driver version of the driver
   * @param capability ten times the compute capability; empty if the driver does not say
   */
  record Gpu(String name, String memory, String driver, Optional<Integer> capability) {}

  /**
   * The C library.
   *
   * @param linux whether the system is Linux, where it matters
   * @param glibc the version of the GNU C library; empty with another one, such as musl
   */
  record Libc(boolean linux, Optional<String> glibc) {}
}
