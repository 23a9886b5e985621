package dev.lorikeet.job;

import dev.lorikeet.config.RunConfig;
import dev.lorikeet.hub.HubSettings;
import dev.lorikeet.torch.Device;
import java.nio.file.Path;
import java.time.Clock;
import java.time.ZoneId;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Supplier;

/**
 * What a fine-tuning takes besides its recipe.
 *
 * @param out exactly this folder instead of a new one below {@code output.dir}
 * @param commandLine how it was asked for, for the record
 * @param versions of Lorikeet and its libraries, for the record
 * @param clock tells the time of the run
 * @param stop asks the run to stop
 * @param memoryBytes what the run may take; empty: what the device has left
 * @param devices opens what the run computes on
 * @param hub which hub has the models that recipes name, asked only for those
 */
public record FineTuneOptions(
    Optional<Path> out,
    List<String> commandLine,
    Map<String, String> versions,
    Clock clock,
    StopSignal stop,
    OptionalLong memoryBytes,
    DeviceOpener devices,
    Supplier<HubSettings> hub) {

  /** Opens the device of a run, which closes it when it is over. */
  @FunctionalInterface
  public interface DeviceOpener {
    /**
     * The device for {@code config}.
     *
     * @throws dev.lorikeet.error.ConfigException if there is none
     */
    Device open(RunConfig config);
  }

  /** Options of a run that nobody stops. */
  public FineTuneOptions(
      Optional<Path> out, List<String> commandLine, Map<String, String> versions, Clock clock) {
    this(
        out,
        commandLine,
        versions,
        clock,
        new StopSignal(),
        OptionalLong.empty(),
        Devices::forTraining,
        () -> HubSettings.of(System.getenv()));
  }

  /** A new folder, nothing to add to the record, the system's clock. */
  public static FineTuneOptions defaults() {
    return new FineTuneOptions(
        Optional.empty(), List.of(), Map.of(), Clock.system(ZoneId.systemDefault()));
  }

  /** The same, with {@code stop} to ask the run to stop. */
  public FineTuneOptions stoppedBy(StopSignal signal) {
    return new FineTuneOptions(
        out, commandLine, versions, clock, signal, memoryBytes, devices, hub);
  }

  /** The same, for a run that may take no more than {@code bytes} of memory. */
  public FineTuneOptions within(long bytes) {
    return new FineTuneOptions(
        out, commandLine, versions, clock, stop, OptionalLong.of(bytes), devices, hub);
  }

  /** The same, for a run on what {@code opener} opens, whatever its recipe says. */
  public FineTuneOptions on(DeviceOpener opener) {
    return new FineTuneOptions(out, commandLine, versions, clock, stop, memoryBytes, opener, hub);
  }

  /** The same, with another hub or cache than the variables of the process name. */
  public FineTuneOptions from(Supplier<HubSettings> settings) {
    return new FineTuneOptions(
        out, commandLine, versions, clock, stop, memoryBytes, devices, settings);
  }
}
