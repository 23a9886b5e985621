package dev.lorikeet.error;

import java.util.List;

/** A recipe, option or combination of settings that cannot be used; holds every problem found. */
public final class ConfigException extends LorikeetException {
  private final List<String> problems;

  /** One problem. */
  public ConfigException(String problem) {
    this(problem, List.of(problem));
  }

  /** All problems of {@code source} (a file name or "command line"); at least one. */
  public ConfigException(String source, List<String> problems) {
    super(message(source, problems), null);
    this.problems = List.copyOf(problems);
  }

  /** The problems, one sentence each, in the order of the source. */
  public List<String> problems() {
    return problems;
  }

  private static String message(String source, List<String> problems) {
    if (problems.isEmpty()) {
      throw new IllegalStateException("a ConfigException needs a problem");
    }
    if (problems.size() == 1 && problems.getFirst().equals(source)) {
      return source;
    }
    String count = problems.size() == 1 ? "1 problem" : problems.size() + " problems";
    return source + " has " + count + ":\n  - " + String.join("\n  - ", problems);
  }

  @Override
  public int exitCode() {
    return 2;
  }
}
