package dev.lorikeet.job;

import dev.lorikeet.config.TrainSettings.Compute;
import dev.lorikeet.error.ConfigException;
import dev.lorikeet.torch.CpuDevice;
import dev.lorikeet.torch.DType;
import dev.lorikeet.torch.Device;
import dev.lorikeet.train.LossScaling;
import java.util.Optional;

/**
 * The number format that matrix products read their operands in. Products add up in float32, and
 * everything else is float32, whatever the format is. A device is opened with its format.
 */
final class ComputeFormat {
  /** Ampere: the first with products of bfloat16. */
  private static final Capability BFLOAT16 = new Capability(8, 0);

  /** Turing: the first that CUDA 13 supports. */
  private static final Capability OLDEST = new Capability(7, 5);

  private ComputeFormat() {}

  /** What an NVIDIA GPU can do, by NVIDIA's numbers. */
  record Capability(int major, int minor) {
    /** From ten times the compute capability, as in 75, 80, 90. */
    static Capability of(int architecture) {
      return new Capability(architecture / 10, architecture % 10);
    }

    boolean atLeast(Capability other) {
      return major > other.major || (major == other.major && minor >= other.minor);
    }

    @Override
    public String toString() {
      return major + "." + minor;
    }
  }

  /**
   * Refuses a recipe whose format {@code device} does not compute in.
   *
   * @throws ConfigException for another format than the device was opened with, and for any other
   *     than float32 on the CPU
   */
  static void require(Compute wanted, Device device) {
    DType found = device.computeFormat();
    DType asked =
        device instanceof CpuDevice
            ? onCpu(wanted)
            : switch (wanted) {
              case AUTO -> found;
              case FLOAT32 -> DType.FLOAT32;
              case BFLOAT16 -> DType.BFLOAT16;
              case FLOAT16 -> DType.FLOAT16;
            };
    if (asked != found) {
      throw new ConfigException(
          "train.compute: %s, but device %s was opened to compute in %s; open it with the recipe's format"
              .formatted(wanted.spelling(), device, found));
    }
  }

  /**
   * The format on the CPU.
   *
   * @throws ConfigException for any other than float32
   */
  static DType onCpu(Compute wanted) {
    return switch (wanted) {
      case AUTO, FLOAT32 -> DType.FLOAT32;
      case BFLOAT16, FLOAT16 ->
          throw new ConfigException(
              "train.compute: %s is for GPUs; on the CPU its products take about 50 times as long as float32's. Use auto or float32; to hold the base weights in 2 bytes, set model.dtype: %s."
                  .formatted(wanted.spelling(), wanted.spelling()));
    };
  }

  /**
   * The format on an NVIDIA GPU: bfloat16 from compute capability 8.0 on, float16 before.
   *
   * @throws ConfigException for bfloat16 before 8.0, and for every GPU before 7.5
   */
  static DType onGpu(Compute wanted, Capability capability) {
    if (!capability.atLeast(OLDEST)) {
      throw new ConfigException(
          "device: this GPU has compute capability %s, and CUDA 13 supports GPUs from %s on (Turing); use device: cpu"
              .formatted(capability, OLDEST));
    }
    return switch (wanted) {
      case AUTO -> capability.atLeast(BFLOAT16) ? DType.BFLOAT16 : DType.FLOAT16;
      case FLOAT32 -> DType.FLOAT32;
      case FLOAT16 -> DType.FLOAT16;
      case BFLOAT16 -> {
        if (!capability.atLeast(BFLOAT16)) {
          throw new ConfigException(
              "train.compute: bfloat16 needs a GPU of compute capability %s (Ampere) or newer, and this one has %s; use auto or float16"
                  .formatted(BFLOAT16, capability));
        }
        yield DType.BFLOAT16;
      }
    };
  }

  /** How gradients are kept in the range of {@code format}; bfloat16 has float32's. */
  static Optional<LossScaling> scaling(DType format) {
    return format == DType.FLOAT16 ? Optional.of(LossScaling.standard()) : Optional.empty();
  }
}
