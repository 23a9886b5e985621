package dev.lorikeet.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Judges GPU, driver, CUDA and this build together. Nothing here keeps Lorikeet from training on
 * the CPU, so nothing is worse than a warning.
 */
final class CudaDiagnosis {
  /** CUDA 13 needs a driver of this branch or a later one. */
  private static final int DRIVER = 580;

  /** The oldest GPUs that CUDA 13 compiles for: Turing. */
  private static final int TURING = 75;

  /** The oldest GPUs with bfloat16: Ampere. */
  private static final int AMPERE = 80;

  private static final Pattern MAJOR = Pattern.compile("(\\d+)\\..*");

  private CudaDiagnosis() {}

  /**
   * The checks: one line without a GPU.
   *
   * @param build whether this build has libtorch for CUDA
   */
  static List<Check> of(Machine.Cuda cuda, Build build) {
    if (cuda.gpus().isEmpty()) {
      return List.of(Check.ok("CUDA", "no NVIDIA GPU found", "Training runs on the CPU."));
    }
    List<Check> checks = new ArrayList<>();
    cuda.gpus().forEach(gpu -> checks.add(gpu(gpu)));
    checks.add(driver(cuda.gpus().getFirst()));
    checks.addAll(libraries(cuda));
    checks.add(
        build == Build.CUDA
            ? Check.ok("CUDA build", "libtorch for CUDA", "This build can use the GPU.")
            : Check.warn(
                "CUDA build",
                "libtorch for the CPU only",
                "The GPU stays idle: LORIKEET_CUDA=1 ./lorikeet doctor builds it for CUDA."));
    return checks;
  }

  private static List<Check> libraries(Machine.Cuda cuda) {
    return List.of(
        library(
            "CUDA 13",
            cuda.runtime(),
            "libcudart.so.13",
            "libtorch for CUDA is linked against it.",
            "Install CUDA 13, or set CUDA_HOME to it."),
        library(
            "cuDNN 9",
            cuda.dnn(),
            "libcudnn.so.9",
            "libtorch for CUDA is linked against it.",
            "Install cuDNN 9 for CUDA 13."),
        cuda.missing().isEmpty()
            ? Check.ok("CUDA libraries", "all", "libtorch for CUDA is linked against them.")
            : Check.warn(
                "CUDA libraries",
                "no " + String.join(", ", cuda.missing()),
                "libtorch for CUDA is linked against them: install the whole toolkit of CUDA 13,"
                    + " and NCCL 2 (libnccl2)."),
        library(
            "NVRTC",
            cuda.compiler(),
            "libnvrtc.so.13",
            "Compiles Lorikeet's own kernels at the first start.",
            "Install CUDA 13 (cuda-nvrtc-13-0 is enough for this), or set CUDA_HOME to it."));
  }

  /** Which libtorch is on the class path. */
  enum Build {
    CPU,
    CUDA
  }

  private static Check gpu(Machine.Gpu gpu) {
    String found = gpu.name() + ", " + gpu.memory();
    if (gpu.capability().isEmpty()) {
      return Check.warn(
          "GPU",
          found + ", compute capability unknown",
          "nvidia-smi does not say what it can do: is the NVIDIA driver installed?");
    }
    int capability = gpu.capability().get();
    String all = found + ", compute capability " + capability / 10 + "." + capability % 10;
    if (capability < TURING) {
      return Check.warn(
          "GPU",
          all,
          "CUDA 13 supports 7.5 and newer, and no longer this one (as the V100): it is planned for"
              + " and not run on. Train on the CPU.");
    }
    return capability < AMPERE
        ? Check.ok("GPU", all, "Computes in float16, with loss scaling.")
        : Check.ok("GPU", all, "Computes in bfloat16.");
  }

  private static Check driver(Machine.Gpu gpu) {
    Matcher version = MAJOR.matcher(gpu.driver());
    if (!version.matches()) {
      return Check.warn(
          "NVIDIA driver", gpu.driver(), "Install the NVIDIA driver, " + DRIVER + " or later.");
    }
    return Integer.parseInt(version.group(1)) >= DRIVER
        ? Check.ok("NVIDIA driver", gpu.driver(), "CUDA 13 needs " + DRIVER + " or later.")
        : Check.warn(
            "NVIDIA driver",
            gpu.driver(),
            "CUDA 13 needs " + DRIVER + " or later: update the driver.");
  }

  private static Check library(
      String name, Optional<Path> path, String file, String purpose, String advice) {
    return path.map(found -> Check.ok(name, found.toString(), purpose))
        .orElseGet(() -> Check.warn(name, "no " + file + " found", advice));
  }
}
