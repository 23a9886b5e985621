package dev.lorikeet.torch;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Assumptions;

/**
 * A GPU of the host: g++ compiles the kernels' own source into a library that has the functions of
 * CUDA's driver and run-time compiler, and {@link CudaLauncher} opens it like the real ones. Every
 * launch is checked against the types of the kernel's parameters.
 */
public final class EmulatedCuda implements KernelLauncher {
  private static final Path HEADERS = Path.of("src/test/resources/cuda");
  private static final Pattern KERNEL = Pattern.compile("__global__ void (\\w+)\\(");

  private final CudaLibraries libraries;
  private final CudaLauncher launcher;
  private final SymbolLookup functions;
  private final Map<String, String> signatures = new LinkedHashMap<>();

  /** Threads and blocks one behind the other, or the other way round. */
  public enum Order {
    FORWARD,
    REVERSED
  }

  private EmulatedCuda(CudaLibraries libraries, CudaLauncher launcher) {
    this.libraries = libraries;
    this.launcher = launcher;
    functions = libraries.load(CudaLibraries.DRIVER, "is the emulation", "");
    for (String line : text("emulation_signatures").lines().toList()) {
      int bracket = line.indexOf('(');
      signatures.put(line.substring(0, bracket), line.substring(bracket));
    }
  }

  /** The emulation of {@code source}; skips the test where there is no g++. */
  public static EmulatedCuda open(String source) {
    Path home = built(source);
    CudaLibraries libraries = CudaLibraries.of(Map.of("CUDA_HOME", home.toString()), home);
    return new EmulatedCuda(
        libraries, CudaLauncher.open(libraries, 0, source, home.resolve("cache")));
  }

  /** A folder that looks like CUDA's, built once for each source. */
  public static Path built(String source) {
    Assumptions.assumeTrue(
        Pattern.compile(":")
            .splitAsStream(System.getenv("PATH"))
            .anyMatch(folder -> Files.isExecutable(Path.of(folder, "g++"))),
        "the emulation of CUDA needs g++ on the PATH");
    try {
      String text = translationUnit(source);
      String headers =
          Files.readString(HEADERS.resolve("emulation.h"))
              + Files.readString(HEADERS.resolve("driver.h"));
      Path home =
          Path.of("target", "emulation", Integer.toHexString((text + headers).hashCode()))
              .toAbsolutePath();
      if (!Files.exists(home.resolve("lib/libnvrtc.so.13"))) {
        build(home, text);
      }
      return home;
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  private static String translationUnit(String source) {
    StringBuilder text = new StringBuilder("#include \"emulation.h\"\n").append(source);
    Matcher kernels = KERNEL.matcher(source);
    while (kernels.find()) {
      text.append("EMULATE(").append(kernels.group(1)).append(")\n");
    }
    return text.append("#include \"driver.h\"\n").toString();
  }

  private static void build(Path home, String text) throws IOException {
    Path lib = Files.createDirectories(home.resolve("lib"));
    Path file = Files.writeString(home.resolve("emulated.cpp"), text);
    Path log = home.resolve("log.txt");
    Path driver = lib.resolve("libcuda.so.1");
    List<String> command =
        List.of(
            "g++",
            "-std=c++17",
            "-O1",
            "-ffp-contract=off",
            "-fno-strict-aliasing",
            "-shared",
            "-fPIC",
            "-Wl,-Bsymbolic",
            "-DLORIKEET_EMULATION",
            "-I" + HEADERS.toAbsolutePath(),
            "-isystem",
            "/usr/local/cuda/include",
            "-o",
            driver.toString(),
            file.toString());
    Process compiler =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    try {
      assertEquals(0, compiler.waitFor(), () -> read(log));
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(stopped);
    }
    Files.copy(driver, lib.resolve("libnvrtc.so.13"));
  }

  private static String read(Path file) {
    try {
      return Files.readString(file, StandardCharsets.UTF_8);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  /** Where its libraries are. */
  public CudaLibraries libraries() {
    return libraries;
  }

  /** Names of all kernels. */
  public List<String> kernels() {
    return new ArrayList<>(signatures.keySet());
  }

  /** How the next launches run. */
  public void order(Order order) {
    try {
      Linker.nativeLinker()
          .downcallHandle(
              functions.findOrThrow("emulation_reverse"), FunctionDescriptor.ofVoid(JAVA_INT))
          .invoke(order == Order.REVERSED ? 1 : 0);
    } catch (Throwable failure) {
      throw new IllegalStateException(failure);
    }
  }

  private String text(String function) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text =
          (MemorySegment)
              Linker.nativeLinker()
                  .downcallHandle(functions.findOrThrow(function), FunctionDescriptor.of(ADDRESS))
                  .invoke();
      return text.reinterpret(1 << 20, arena, null).getString(0);
    } catch (Throwable failure) {
      throw new IllegalStateException(failure);
    }
  }

  @Override
  public void launch(String kernel, Grid grid, KernelArgument... arguments) {
    String given =
        Arrays.stream(arguments)
            .map(argument -> argument.signature() + ",")
            .collect(Collectors.joining("", "(", ")"));
    assertEquals(signatures.get(kernel), given, "types of the arguments of " + kernel);
    launcher.launch(kernel, grid, arguments);
  }

  @Override
  public void read(long address, MemorySegment into) {
    launcher.read(address, into);
  }

  @Override
  public long freeBytes() {
    return launcher.freeBytes();
  }

  @Override
  public int architecture() {
    return launcher.architecture();
  }

  @Override
  public void close() {
    launcher.close();
  }
}
