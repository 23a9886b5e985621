package dev.lorikeet.error;

/**
 * A chat template that cannot be read or rendered: names the template, the line and the problem.
 */
public final class TemplateException extends LorikeetException {
  private final int line;
  private final String problem;

  /**
   * A problem in {@code template}.
   *
   * @param template what the user knows the template by: a file, or a file and a key in it
   * @param line line of the template, from 1
   * @param problem what was found, and where it helps, what was expected
   */
  public TemplateException(String template, int line, String problem) {
    super(template + ", line " + line + ": " + problem, null);
    this.line = line;
    this.problem = problem;
  }

  /** Line of the template, from 1. */
  public int line() {
    return line;
  }

  /** What was found, without the place. */
  public String problem() {
    return problem;
  }

  @Override
  public int exitCode() {
    return 2;
  }
}
