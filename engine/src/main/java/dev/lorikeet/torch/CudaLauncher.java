package dev.lorikeet.torch;

import dev.lorikeet.error.RunException;
import dev.lorikeet.format.AtomicFile;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Kernels on an NVIDIA GPU, compiled from source at run time. What was compiled is kept on the disk
 * under a name made of source, options, architecture and compiler, so that it is compiled once a
 * machine. Owns a reference to the GPU's primary context, and the loaded kernels.
 */
public final class CudaLauncher implements KernelLauncher {
  private static final System.Logger LOG = System.getLogger(CudaLauncher.class.getName());
  private static final int NAME_CHARACTERS = 24;

  private final CudaDriver driver;
  private final MemorySegment module;
  private final int architecture;
  private final Map<String, MemorySegment> kernels = new ConcurrentHashMap<>();

  private CudaLauncher(CudaDriver driver, MemorySegment module) {
    this.driver = driver;
    this.module = module;
    architecture = driver.architecture();
  }

  /**
   * Opens a GPU and compiles kernels for it.
   *
   * @param libraries where CUDA's libraries are
   * @param gpu which GPU, from 0
   * @param source the kernels
   * @param cache the folder for what was compiled; need not exist
   * @throws RunException if driver, compiler or GPU are missing or do not fit together
   */
  public static CudaLauncher open(CudaLibraries libraries, int gpu, String source, Path cache) {
    CudaDriver driver =
        new CudaDriver(
            libraries.load(
                CudaLibraries.DRIVER,
                "is the NVIDIA driver's",
                "Install the NVIDIA driver (580 or later), or train on the CPU (device: cpu)."),
            gpu);
    Nvrtc compiler =
        new Nvrtc(
            libraries.load(
                CudaLibraries.COMPILER,
                "compiles Lorikeet's kernels",
                "Install CUDA 13 (package cuda-nvrtc-13-0 or the whole toolkit), or set CUDA_HOME"
                    + " to it."));
    return new CudaLauncher(driver, load(driver, compiler, source, cache));
  }

  /** The kernels from the cache, or compiled again where there are none that can be loaded. */
  private static MemorySegment load(CudaDriver driver, Nvrtc compiler, String source, Path cache) {
    Nvrtc.Target target = compiler.target(driver.architecture());
    Path file = cache.resolve(name(compiler, target, source));
    if (Files.isRegularFile(file)) {
      try {
        return driver.module(Files.readAllBytes(file));
      } catch (IOException | RunException refused) {
        warn("kernel-cache-refused", file, refused);
      }
    }
    byte[] image = compiler.compile(source, target);
    keep(file, image);
    return driver.module(image);
  }

  private static void keep(Path file, byte[] image) {
    try {
      Files.createDirectories(file.resolveSibling("."));
      AtomicFile.write(file, out -> out.write(image));
    } catch (IOException | RunException failure) {
      warn(
          "kernel-cache-unwritable effect=compiled-at-every-start advice=set-XDG_CACHE_HOME",
          file,
          failure);
    }
  }

  private static void warn(String event, Path file, Exception reason) {
    LOG.log(
        System.Logger.Level.WARNING,
        "event={0} file={1} reason={2}",
        event,
        file,
        reason.getMessage());
  }

  private static String name(Nvrtc compiler, Nvrtc.Target target, String source) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      String options = String.join("\n", Nvrtc.options(target));
      for (String part : new String[] {compiler.version(), options, source}) {
        digest.update(part.getBytes(StandardCharsets.UTF_8));
        digest.update((byte) 0);
      }
      String hash = HexFormat.of().formatHex(digest.digest()).substring(0, NAME_CHARACTERS);
      return "kernels-" + hash + (target.binary() ? ".cubin" : ".ptx");
    } catch (NoSuchAlgorithmException failure) {
      throw new IllegalStateException("every JDK has SHA-256", failure);
    }
  }

  @Override
  public void launch(String kernel, Grid grid, KernelArgument... arguments) {
    MemorySegment function = kernels.computeIfAbsent(kernel, name -> driver.kernel(module, name));
    driver.launch(kernel, function, grid, arguments);
  }

  @Override
  public void read(long address, MemorySegment into) {
    driver.read(address, into);
  }

  @Override
  public long freeBytes() {
    return driver.freeBytes();
  }

  @Override
  public int architecture() {
    return architecture;
  }

  @Override
  public void close() {
    driver.unload(module);
    driver.release();
  }
}
