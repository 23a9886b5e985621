package dev.lorikeet.cli;

import java.io.PrintStream;
import java.io.PrintWriter;
import java.util.List;
import java.util.function.Function;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/**
 * The program {@code lorikeet}.
 *
 * <p>Exit codes: 0 when the command did its work, 1 when it failed, 2 when the user has to change
 * something first, 130 and 143 when Ctrl-C or SIGTERM stopped a training.
 */
@Command(
    name = "lorikeet",
    description = "Fine-tunes small language models on the JVM.",
    mixinStandardHelpOptions = true,
    scope = ScopeType.INHERIT,
    versionProvider = Lorikeet.Versions.class,
    synopsisSubcommandLabel = "COMMAND",
    usageHelpAutoWidth = true)
public final class Lorikeet {
  /** Every command, in the order of the help text. A new command is one line here. */
  private static final List<Function<Console, Object>> COMMANDS =
      List.of(
          QuickstartCommand::new,
          DownloadCommand::new,
          ModelsCommand::commandLine,
          FinetuneCommand::new,
          ResumeCommand::new,
          GenerateCommand::new,
          ScoreCommand::new,
          TokenizeCommand::new,
          MergeCommand::new,
          InspectCommand::new,
          RunsCommand::commandLine,
          TemplateCommand::commandLine,
          NanoCommand::commandLine,
          DoctorCommand::new);

  @Option(
      names = {"-v", "--verbose"},
      scope = ScopeType.INHERIT,
      description = "Tell on standard error what happens inside.")
  private boolean verbose;

  private Lorikeet() {}

  /** Runs one command and ends the process with its exit code. */
  public static void main(String[] args) {
    // SQLite's and DJL's logging facade would otherwise complain that no logger is bound to it.
    System.setProperty("slf4j.internal.verbosity", "ERROR");
    System.exit(run(List.of(args), Console.system()));
  }

  /** Runs one command; its exit code. Never throws and never ends the process. */
  static int run(List<String> args, Console console) {
    Failures failures = new Failures(console, args);
    try {
      return commandLine(console, failures).execute(args.toArray(String[]::new));
    } catch (Throwable defect) {
      // picocli hands on exceptions but lets errors through: a missing native library, no memory.
      return failures.report(defect);
    }
  }

  /** The whole command line, ready to parse or to run. */
  static CommandLine commandLine(Console console, Failures failures) {
    Lorikeet lorikeet = new Lorikeet();
    CommandLine root = new CommandLine(lorikeet);
    COMMANDS.forEach(command -> root.addSubcommand(command.apply(console)));
    root.setOut(writer(console.out()));
    root.setErr(writer(console.err()));
    root.setParameterExceptionHandler(failures);
    root.setExecutionExceptionHandler(failures);
    root.setExecutionStrategy(parsed -> {
      Logging.configure(
          lorikeet.verbose ? Logging.Detail.EVERYTHING : Logging.Detail.WARNINGS, console);
      return new CommandLine.RunLast().execute(parsed);
    });
    return root;
  }

  private static PrintWriter writer(PrintStream stream) {
    return new PrintWriter(stream, true, stream.charset());
  }

  /** The text of {@code --version}. */
  static final class Versions implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() {
      Version version = Version.current();
      return new String[] {
        "lorikeet " + version.lorikeet(),
        "libtorch "
            + version.libtorch()
            + ", Java "
            + Runtime.version()
            + " ("
            + System.getProperty("java.vendor")
            + ")",
      };
    }
  }
}
