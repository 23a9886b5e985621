package dev.lorikeet.job;

import dev.lorikeet.config.RunConfig;
import dev.lorikeet.config.TrainSettings.Compute;
import dev.lorikeet.error.ConfigException;
import dev.lorikeet.job.ComputeFormat.Capability;
import dev.lorikeet.kernel.CudaSource;
import dev.lorikeet.torch.CpuDevice;
import dev.lorikeet.torch.CudaLauncher;
import dev.lorikeet.torch.CudaLibraries;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.KernelLauncher;
import dev.lorikeet.torch.TorchDevice;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** Opens the device that a recipe names. */
public final class Devices {
  /** Environment variable that sets the number of worker threads. */
  public static final String THREADS_VARIABLE = "LORIKEET_THREADS";

  private static final String CUDA = "cuda";

  /** libtorch numbers GPUs in a byte. */
  private static final int MOST_GPUS = 128;

  private Devices() {}

  /**
   * {@code auto} and {@code cpu} give the CPU with a thread for every processor, {@code cuda} and
   * {@code cuda:N} a GPU, which computes in the format that suits it.
   *
   * @throws ConfigException for a device that this build or machine does not have
   */
  public static Device open(String name) {
    return open(name, Compute.AUTO);
  }

  private static Device open(String name, Compute compute) {
    if (name.equals("auto") || name.equals("cpu")) {
      return Device.cpu(threads(System.getenv()));
    }
    int gpu = name.equals(CUDA) ? 0 : gpu(name);
    TorchDevice.requireCuda(gpu);
    KernelLauncher launcher =
        CudaLauncher.open(
            CudaLibraries.ofThisMachine(),
            gpu,
            CudaSource.text(),
            kernelCache(System.getenv(), System.getProperty("user.home")));
    try {
      Capability capability = Capability.of(launcher.architecture());
      return TorchDevice.cuda(gpu, launcher, ComputeFormat.onGpu(compute, capability));
    } catch (RuntimeException refused) {
      launcher.close();
      throw refused;
    }
  }

  /**
   * The device of a training; {@code auto} gives the first GPU where this build has libtorch for
   * CUDA and the system shows a GPU.
   *
   * @throws ConfigException for a device that this build or machine does not have
   */
  public static Device forTraining(RunConfig config) {
    String name = config.device();
    boolean gpu = name.equals("auto") && TorchDevice.isCudaLikely();
    return open(gpu ? CUDA : name, config.train().compute());
  }

  private static int gpu(String name) {
    String number = name.startsWith(CUDA + ":") ? name.substring(CUDA.length() + 1) : "";
    try {
      int gpu = Integer.parseInt(number);
      if (gpu >= 0 && gpu < MOST_GPUS) {
        return gpu;
      }
    } catch (NumberFormatException notANumber) {
      // Falls through to the message.
    }
    throw new ConfigException(
        "device must be auto, cpu, cuda or cuda:N with N from 0 to %d, found %s"
            .formatted(MOST_GPUS - 1, name));
  }

  /** The folder for compiled kernels: in XDG_CACHE_HOME, or in .cache of the home folder. */
  static Path kernelCache(Map<String, String> environment, String home) {
    String xdg = environment.getOrDefault("XDG_CACHE_HOME", "");
    Path caches = xdg.isBlank() ? Path.of(home, ".cache") : Path.of(xdg);
    return caches.resolve("lorikeet").resolve("kernels");
  }

  static int threads(Map<String, String> environment) {
    String text = environment.get(THREADS_VARIABLE);
    if (text == null) {
      return Runtime.getRuntime().availableProcessors();
    }
    try {
      int threads = Integer.parseInt(text.strip());
      if (threads >= 1 && threads <= 1024) {
        return threads;
      }
    } catch (NumberFormatException notANumber) {
      // Falls through to the message.
    }
    throw new ConfigException(
        "environment variable %s must be a number from 1 to 1024, found \"%s\""
            .formatted(THREADS_VARIABLE, text));
  }

  /** What the rounding of results depends on, for the record. */
  public static Map<String, Object> describe(Device device) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("device", device.name());
    fields.put("threads", device.threads());
    if (device instanceof CpuDevice cpu) {
      fields.put("blas", cpu.blasDescription());
      fields.put("blas_threads", 1);
    } else {
      fields.put("compute", device.computeFormat().name().toLowerCase(Locale.ROOT));
    }
    return fields;
  }
}
