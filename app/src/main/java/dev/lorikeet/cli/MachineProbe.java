package dev.lorikeet.cli;

import dev.lorikeet.torch.ContainerMemory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import oshi.SystemInfo;
import oshi.hardware.CentralProcessor;
import oshi.hardware.GlobalMemory;
import oshi.hardware.HardwareAbstractionLayer;

/** Looks at the machine that Lorikeet runs on, and loads neither libtorch nor the tokenizer. */
final class MachineProbe {
  private static final int LONGEST_VERSION = 32;

  private MachineProbe() {}

  static Machine look() {
    HardwareAbstractionLayer hardware = new SystemInfo().getHardware();
    Path here = Path.of("").toAbsolutePath();
    return new Machine(
        java(),
        cpu(hardware.getProcessor()),
        memory(hardware.getMemory()),
        List.of(disk("runs and models", here), disk("unpacked native libraries", javacppCache())),
        List.of(
            new Machine.Library(
                "libtorch",
                jarOf(bytedeco("pytorch", "torch", "-gpu"))
                    .or(() -> jarOf(bytedeco("pytorch", "torch", "")))),
            new Machine.Library(
                "BLAS",
                jarOf(bytedeco("mkl", "mkl_rt", ""))
                    .or(() -> jarOf(bytedeco("openblas", "openblas", "")))),
            new Machine.Library("tokenizer", jarOf(tokenizer()))),
        CudaProbe.look(),
        new Machine.Libc(isLinux(), isLinux() ? glibc() : Optional.empty()));
  }

  private static Machine.Java java() {
    return new Machine.Java(
        Runtime.version().feature(),
        Runtime.version().toString(),
        System.getProperty("java.vendor"),
        ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent());
  }

  private static Machine.Cpu cpu(CentralProcessor processor) {
    Set<String> flags = new LinkedHashSet<>();
    for (String line : processor.getFeatureFlags()) {
      flags.addAll(Arrays.asList(line.toLowerCase(Locale.ROOT).split("[\\s:]+")));
    }
    flags.remove("");
    return new Machine.Cpu(
        processor.getProcessorIdentifier().getName().strip(),
        Runtime.getRuntime().availableProcessors(),
        System.getProperty("os.arch"),
        flags);
  }

  private static Machine.Memory memory(GlobalMemory memory) {
    return new Machine.Memory(
        memory.getTotal(), memory.getAvailable(), ContainerMemory.ofThisProcess());
  }

  private static Machine.Disk disk(String use, Path folder) {
    Path present = folder;
    while (!Files.isDirectory(present) && present.getParent() != null) {
      present = present.getParent();
    }
    try {
      return new Machine.Disk(use, folder, Files.getFileStore(present).getUsableSpace());
    } catch (IOException e) {
      throw new UncheckedIOException("Asking for the free space of " + present, e);
    }
  }

  private static Path javacppCache() {
    String set = System.getProperty("org.bytedeco.javacpp.cachedir");
    return set == null
        ? Path.of(System.getProperty("user.home"), ".javacpp", "cache")
        : Path.of(set).toAbsolutePath();
  }

  /** The resource of a bytedeco jar that holds the library for this platform and extension. */
  private static String bytedeco(String project, String library, String extension) {
    String system = isMac() ? "macosx" : isLinux() ? "linux" : "windows";
    String cpu = isArm() ? "arm64" : "x86_64";
    String folder = system + "-" + cpu + extension;
    return "org/bytedeco/" + project + "/" + folder + "/" + fileOf("jni" + library);
  }

  /** The resource of DJL's jar that holds the tokenizer library for this platform. */
  private static String tokenizer() {
    String system = isMac() ? "osx" : isLinux() ? "linux" : "win";
    String cpu = isArm() ? "aarch64" : "x86_64";
    return "native/lib/" + system + "-" + cpu + "/cpu/" + fileOf("tokenizers");
  }

  private static String fileOf(String library) {
    return System.mapLibraryName(library);
  }

  private static boolean isMac() {
    return System.getProperty("os.name").startsWith("Mac");
  }

  private static boolean isLinux() {
    return System.getProperty("os.name").startsWith("Linux");
  }

  private static boolean isArm() {
    return System.getProperty("os.arch").equals("aarch64");
  }

  /** The file name of the jar on the class path that holds {@code resource}. */
  private static Optional<String> jarOf(String resource) {
    URL url = MachineProbe.class.getClassLoader().getResource(resource);
    if (url == null || !url.getProtocol().equals("jar")) {
      return Optional.empty();
    }
    String path = url.getPath();
    String jar = path.substring(0, path.indexOf("!/"));
    return Optional.of(jar.substring(jar.lastIndexOf('/') + 1));
  }

  /** Asks the C library itself, which costs no other process; empty where it is not glibc. */
  private static Optional<String> glibc() {
    Linker linker = Linker.nativeLinker();
    return linker
        .defaultLookup()
        .find("gnu_get_libc_version")
        .map(address -> {
          try {
            MemorySegment text =
                (MemorySegment)
                    linker
                        .downcallHandle(address, FunctionDescriptor.of(ValueLayout.ADDRESS))
                        .invokeExact();
            return text.reinterpret(LONGEST_VERSION).getString(0);
          } catch (Throwable e) {
            throw new IllegalStateException("gnu_get_libc_version() could not be called", e);
          }
        });
  }
}
