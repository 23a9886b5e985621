package dev.lorikeet.cli;

import dev.lorikeet.error.LorikeetException;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.IParameterExceptionHandler;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/** Tells the user what went wrong: mistakes by their message, defects by a file with the trace. */
final class Failures implements IParameterExceptionHandler, IExecutionExceptionHandler {
  private static final System.Logger LOG = System.getLogger(Failures.class.getName());
  private static final int FAILED = 1;

  private final Console console;
  private final List<String> args;

  Failures(Console console, List<String> args) {
    this.console = console;
    this.args = List.copyOf(args);
  }

  @Override
  public int handleParseException(ParameterException mistake, String[] unused) {
    CommandLine command = mistake.getCommandLine();
    // picocli begins some of its messages, and not others, with this word.
    console.message("error: " + String.valueOf(mistake.getMessage()).replaceFirst("^Error: ", ""));
    UnmatchedArgumentException.printSuggestions(mistake, command.getErr());
    console.message(
        "'" + command.getCommandSpec().qualifiedName() + " --help' shows what can be written.");
    return ExitCode.USAGE;
  }

  @Override
  public int handleExecutionException(Exception failure, CommandLine command, ParseResult parsed) {
    return report(failure);
  }

  /** Prints what {@code failure} means to the user; the exit code. */
  int report(Throwable failure) {
    return switch (failure) {
      case LorikeetException told -> {
        console.message("error: " + told.getMessage());
        for (Throwable cause = told.getCause(); cause != null; cause = cause.getCause()) {
          LOG.log(Level.DEBUG, "cause=" + cause);
        }
        yield told.exitCode();
      }
      case OutOfMemoryError full -> {
        console.message(
            "error: the Java heap is full ("
                + full.getMessage()
                + "); set LORIKEET_JAVA_OPTS=-Xmx4g, or more, and run the command again");
        yield FAILED;
      }
      default -> {
        console.message(
            "error: this is a defect of Lorikeet ("
                + failure
                + "); please report it with the file "
                + saved(failure));
        yield FAILED;
      }
    };
  }

  private String saved(Throwable defect) {
    try {
      Path file = Files.createTempFile("lorikeet-defect-", ".txt");
      try (PrintWriter writer = new PrintWriter(Files.newBufferedWriter(file))) {
        writer.println("time     " + console.clock().instant());
        writer.println("version  " + Version.current());
        writer.println("java     " + Runtime.version() + ", " + System.getProperty("java.vendor"));
        writer.println(
            "system   " + System.getProperty("os.name") + ", " + System.getProperty("os.arch"));
        writer.println("command  " + args);
        defect.printStackTrace(writer);
      }
      return file.toString();
    } catch (IOException e) {
      return "that could not be written (" + e + ")";
    }
  }
}
