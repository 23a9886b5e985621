package dev.lorikeet.cli;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.run.RunStore;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** {@code lorikeet runs}: what was done so far; alone it lists. */
@Command(
    name = "runs",
    description = "Lists, shows and compares runs, and keeps notes on them.",
    synopsisSubcommandLabel = "[list | show | diff | note]")
final class RunsCommand implements Callable<Integer> {
  private final Console console;
  @Mixin private JsonOption json = new JsonOption();

  @Option(
      names = "--dir",
      scope = ScopeType.INHERIT,
      paramLabel = "DIR",
      defaultValue = "runs",
      description = "The output folder that holds the runs (default: ${DEFAULT-VALUE}).")
  private Path dir = Path.of("runs");

  private RunsCommand(Console console) {
    this.console = console;
  }

  static CommandLine commandLine(Console console) {
    RunsCommand runs = new RunsCommand(console);
    return new CommandLine(runs)
        .addSubcommand(new RunsListCommand(runs))
        .addSubcommand(new RunsShowCommand(runs))
        .addSubcommand(new RunsDiffCommand(runs))
        .addSubcommand(new RunsNoteCommand(runs));
  }

  @Override
  public Integer call() {
    return new RunsListCommand(this).call();
  }

  Console console() {
    return console;
  }

  boolean jsonWanted() {
    return json.wanted();
  }

  Path dir() {
    return dir;
  }

  /** The index, for a command that needs a run; the caller closes it. */
  RunStore store() {
    return RunStore.openIfPresent(dir, console.clock())
        .orElseThrow(() ->
            new ConfigException(
                "There are no runs in "
                    + dir.toAbsolutePath().normalize()
                    + " (no "
                    + RunStore.FILE_NAME
                    + " there); name the output folder of the runs with --dir"));
  }
}
