package dev.lorikeet.torch;

import dev.lorikeet.error.RunException;
import java.io.File;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Where CUDA's libraries are on this machine: in the folders of CUDA_HOME and CUDA_PATH, those of
 * LD_LIBRARY_PATH, /usr/local/cuda and its versions, and the system's. The first that holds a file
 * of that name counts; a library that is in none of them is left to the system's loader.
 */
public final class CudaLibraries {
  /** The driver's library; it comes with the driver, not with the toolkit. */
  public static final List<String> DRIVER = List.of("libcuda.so.1");

  /** The run-time compiler; a version of CUDA 12 will do, too. */
  public static final List<String> COMPILER = List.of("libnvrtc.so.13", "libnvrtc.so.12");

  /** CUDA's run time, which libtorch for CUDA is linked against. */
  public static final List<String> RUNTIME = List.of("libcudart.so.13");

  /** cuDNN, which libtorch for CUDA is linked against. */
  public static final List<String> DNN = List.of("libcudnn.so.9");

  /** What else libtorch for CUDA is linked against, of CUDA 13 and NCCL 2. */
  public static final List<String> TORCH =
      List.of(
          "libcublas.so.13",
          "libcublasLt.so.13",
          "libcufft.so.12",
          "libcurand.so.10",
          "libcusparse.so.12",
          "libcufile.so.0",
          "libcupti.so.13",
          "libnccl.so.2");

  /** The compiler opens this one by its name alone, which only some loaders would find. */
  private static final String COMPILER_PART = "libnvrtc-builtins.so.";

  private static final List<String> SYSTEM_FOLDERS =
      List.of(
          "usr/lib/x86_64-linux-gnu",
          "usr/lib/aarch64-linux-gnu",
          "usr/lib64",
          "usr/lib/wsl/lib",
          "usr/lib");

  private final List<Path> folders;

  private CudaLibraries(Set<Path> folders) {
    this.folders = List.copyOf(folders);
  }

  /** Those of this machine. */
  public static CudaLibraries ofThisMachine() {
    return of(System.getenv(), Path.of("/"));
  }

  /**
   * Those of another place.
   *
   * @param environment variables and their values
   * @param root the folder that stands for the root of the file system
   */
  public static CudaLibraries of(Map<String, String> environment, Path root) {
    Set<Path> folders = new LinkedHashSet<>();
    for (String variable : List.of("CUDA_HOME", "CUDA_PATH")) {
      String home = environment.getOrDefault(variable, "");
      if (!home.isBlank()) {
        addToolkit(folders, Path.of(home));
      }
    }
    Pattern.compile(File.pathSeparator)
        .splitAsStream(environment.getOrDefault("LD_LIBRARY_PATH", ""))
        .filter(entry -> !entry.isBlank())
        .forEach(entry -> folders.add(Path.of(entry)));
    Path local = root.resolve("usr/local");
    addToolkit(folders, local.resolve("cuda"));
    versions(local).forEach(toolkit -> addToolkit(folders, toolkit));
    SYSTEM_FOLDERS.forEach(folder -> folders.add(root.resolve(folder)));
    return new CudaLibraries(folders);
  }

  private static void addToolkit(Set<Path> folders, Path toolkit) {
    folders.add(toolkit.resolve("lib64"));
    folders.add(toolkit.resolve("targets/x86_64-linux/lib"));
    folders.add(toolkit.resolve("lib"));
    folders.add(toolkit.resolve("extras/CUPTI/lib64"));
  }

  /** The folders cuda-13 and the like, newest first as their names go. */
  private static List<Path> versions(Path local) {
    List<Path> found = new ArrayList<>();
    try (DirectoryStream<Path> folders = Files.newDirectoryStream(local, "cuda-*")) {
      folders.forEach(found::add);
    } catch (IOException _) {
      // No such folder: nothing is installed there.
      return List.of();
    }
    found.sort((a, b) -> b.toString().compareTo(a.toString()));
    return found;
  }

  /** The first of the folders that holds the first of the names. */
  public Optional<Path> find(List<String> names) {
    return names.stream()
        .flatMap(name -> folders.stream().map(folder -> folder.resolve(name)))
        .filter(Files::isRegularFile)
        .findFirst();
  }

  /** Those of the names that are in none of the folders. */
  public List<String> missing(List<String> names) {
    return names.stream().filter(name -> find(List.of(name)).isEmpty()).toList();
  }

  /**
   * Loads a library for the rest of the process.
   *
   * @param names file names, the best first
   * @param purpose what it does, for the message
   * @param advice what to do where it is missing
   * @throws RunException if there is none
   */
  SymbolLookup load(List<String> names, String purpose, String advice) {
    List<String> candidates = new ArrayList<>();
    find(names)
        .ifPresent(path -> {
          loadParts(path.resolveSibling("."));
          candidates.add(path.toString());
        });
    candidates.addAll(names);
    List<String> refusals = new ArrayList<>();
    for (String candidate : candidates) {
      try {
        return SymbolLookup.libraryLookup(candidate, Arena.global());
      } catch (IllegalArgumentException refusal) {
        refusals.add(candidate + " (" + refusal.getMessage() + ")");
      }
    }
    throw new RunException(
        "Could not load %s, which %s. Tried %s; looked in %s and where the system's loader looks. %s"
            .formatted(
                String.join(" or ", names),
                purpose,
                String.join(", ", refusals),
                String.join(", ", folders.stream().map(Path::toString).toList()),
                advice));
  }

  /**
   * A function of a library that gives an int, as all of CUDA's do.
   *
   * @param owner what the library is, for the message
   * @param advice what to do where it is too old to have the function
   * @throws RunException if it has none of that name
   */
  static MethodHandle function(
      SymbolLookup library, String owner, String advice, String name, MemoryLayout... parameters) {
    MemorySegment address =
        library
            .find(name)
            .orElseThrow(() ->
                new RunException(
                    "%s has no function %s: it is too old. %s".formatted(owner, name, advice)));
    return Linker.nativeLinker()
        .downcallHandle(address, FunctionDescriptor.of(ValueLayout.JAVA_INT, parameters));
  }

  /** A library that is loaded already is not looked for by its name. */
  private static void loadParts(Path folder) {
    try (DirectoryStream<Path> parts = Files.newDirectoryStream(folder, COMPILER_PART + "*")) {
      for (Path part : parts) {
        SymbolLookup.libraryLookup(part, Arena.global());
      }
    } catch (IOException | IllegalArgumentException refused) {
      // The compiler then looks for it, and says what it misses.
      return;
    }
  }
}
