package dev.lorikeet.cli;

import dev.lorikeet.pretrain.NanoSettings;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** {@code lorikeet nano}: where the built-in base model comes from. */
@Command(
    name = "nano",
    description = "Makes the built-in base model from nothing.",
    synopsisSubcommandLabel = "build")
final class NanoCommand {
  private NanoCommand() {}

  static CommandLine commandLine(Console console) {
    return commandLine(console, NanoSettings.embedded());
  }

  static CommandLine commandLine(Console console, NanoSettings settings) {
    return new CommandLine(new NanoCommand())
        .addSubcommand(new NanoBuildCommand(console, settings));
  }
}
