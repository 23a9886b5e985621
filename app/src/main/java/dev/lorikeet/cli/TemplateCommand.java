package dev.lorikeet.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** {@code lorikeet template}: what a model's chat template does. */
@Command(
    name = "template",
    description = "Shows what a model's chat template makes of conversations.",
    synopsisSubcommandLabel = "render")
final class TemplateCommand {
  private TemplateCommand() {}

  static CommandLine commandLine(Console console) {
    return new CommandLine(new TemplateCommand()).addSubcommand(new TemplateRenderCommand(console));
  }
}
