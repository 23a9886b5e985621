package dev.lorikeet.cli;

import dev.lorikeet.torch.CudaLibraries;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Looks for NVIDIA GPUs and CUDA, and loads nothing of either. */
final class CudaProbe {
  private static final int NVIDIA_SECONDS = 10;
  private static final Pattern CAPABILITY = Pattern.compile("(\\d+)\\.(\\d)");

  /** What nvidia-smi is asked for each GPU; {@link #gpu} reads it in this order. */
  private static final List<String> FIELDS =
      List.of("name", "memory.total", "driver_version", "compute_cap");

  private static final String UNKNOWN = "unknown";

  private CudaProbe() {}

  /** What this machine has; takes as long as nvidia-smi, at most ten seconds. */
  static Machine.Cuda look() {
    return found(nvidiaSmi(), Files.exists(Path.of("/dev/nvidia0")), CudaLibraries.ofThisMachine());
  }

  /**
   * What these findings mean.
   *
   * @param lines what nvidia-smi printed, one a GPU; empty without it
   * @param device whether the system has a device file of a GPU
   */
  static Machine.Cuda found(List<String> lines, boolean device, CudaLibraries libraries) {
    List<Machine.Gpu> gpus = lines.stream().map(CudaProbe::gpu).toList();
    if (gpus.isEmpty() && device) {
      gpus = List.of(new Machine.Gpu("NVIDIA GPU", UNKNOWN, UNKNOWN, Optional.empty()));
    }
    return new Machine.Cuda(
        gpus,
        libraries.find(CudaLibraries.RUNTIME),
        libraries.find(CudaLibraries.DNN),
        libraries.find(CudaLibraries.COMPILER),
        libraries.missing(CudaLibraries.TORCH));
  }

  private static Machine.Gpu gpu(String line) {
    String[] fields = Pattern.compile(",").split(line, FIELDS.size());
    String capability = fields.length < FIELDS.size() ? "" : fields[3].strip();
    Matcher number = CAPABILITY.matcher(capability);
    return new Machine.Gpu(
        fields[0].strip(),
        fields.length < 2 ? UNKNOWN : fields[1].strip(),
        fields.length < 3 ? UNKNOWN : fields[2].strip(),
        number.matches()
            ? Optional.of(
                10 * Integer.parseInt(number.group(1)) + Integer.parseInt(number.group(2)))
            : Optional.empty());
  }

  private static List<String> nvidiaSmi() {
    try {
      Process process =
          new ProcessBuilder(
                  "nvidia-smi", "--query-gpu=" + String.join(",", FIELDS), "--format=csv,noheader")
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      if (!process.waitFor(NVIDIA_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        return List.of();
      }
      return process.exitValue() == 0
          ? process.inputReader(StandardCharsets.UTF_8).lines().toList()
          : List.of();
    } catch (IOException e) {
      // The program is not installed: there is no NVIDIA driver.
      return List.of();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return List.of();
    }
  }
}
