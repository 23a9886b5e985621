package dev.lorikeet.cli;

import dev.lorikeet.hub.HubCache;
import dev.lorikeet.hub.HubSettings;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code lorikeet models}: what was downloaded; alone it lists. */
@Command(
    name = "models",
    description = "Lists, shows and removes the models in the cache of the hub.",
    synopsisSubcommandLabel = "[list | inspect | remove]")
final class ModelsCommand implements Callable<Integer> {
  private final Console console;
  @Mixin private JsonOption json = new JsonOption();

  private ModelsCommand(Console console) {
    this.console = console;
  }

  static CommandLine commandLine(Console console) {
    ModelsCommand models = new ModelsCommand(console);
    return new CommandLine(models)
        .addSubcommand(new ModelsListCommand(models))
        .addSubcommand(new ModelsInspectCommand(models))
        .addSubcommand(new ModelsRemoveCommand(models));
  }

  @Override
  public Integer call() {
    return new ModelsListCommand(this).call();
  }

  Console console() {
    return console;
  }

  boolean jsonWanted() {
    return json.wanted();
  }

  HubCache cache() {
    return new HubCache(HubSettings.of(console.environment()).cache());
  }
}
