package dev.lorikeet.job;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.torch.CpuDevice;
import dev.lorikeet.torch.Device;
import java.util.LinkedHashMap;
import java.util.Map;

/** Opens the device that a recipe names. */
public final class Devices {
  /** Environment variable that sets the number of worker threads. */
  public static final String THREADS_VARIABLE = "LORIKEET_THREADS";

  private Devices() {}

  /**
   * {@code auto} and {@code cpu} give the CPU with a thread for every processor.
   *
   * @throws ConfigException for a device that this build cannot use
   */
  public static Device open(String name) {
    if (name.equals("auto") || name.equals("cpu")) {
      return Device.cpu(threads(System.getenv()));
    }
    throw new ConfigException(
        "device %s is not available yet; use device: cpu or device: auto".formatted(name));
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
    }
    return fields;
  }
}
