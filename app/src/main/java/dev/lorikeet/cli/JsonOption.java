package dev.lorikeet.cli;

import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** The {@code --json} option, mixed into every command that has a result to print. */
final class JsonOption {
  @Option(
      names = "--json",
      scope = ScopeType.INHERIT,
      description = "Print the result as one JSON document on standard output.")
  private boolean json;

  boolean wanted() {
    return json;
  }
}
