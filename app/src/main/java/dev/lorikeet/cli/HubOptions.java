package dev.lorikeet.cli;

import dev.lorikeet.hub.HubSettings;
import picocli.CommandLine.Option;

/** How a command that may download uses the network: {@code --offline}. */
final class HubOptions {
  @Option(
      names = "--offline",
      description = "Use models in the cache only, as HF_HUB_OFFLINE=1 does.")
  private boolean offline;

  /** The settings of the process with what was said here. */
  HubSettings settings(Console console) {
    HubSettings settings = HubSettings.of(console.environment());
    return offline ? settings.offline() : settings;
  }
}
