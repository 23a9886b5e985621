package dev.lorikeet.cli;

import java.io.PrintStream;
import java.time.Clock;
import tools.jackson.databind.json.JsonMapper;

/** Where commands speak, and the clock they look at. */
public final class Console {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  private final PrintStream out;
  private final PrintStream err;
  private final Clock clock;

  /** The streams stay open; they belong to the caller. */
  Console(PrintStream out, PrintStream err, Clock clock) {
    this.out = out;
    this.err = err;
    this.clock = clock;
  }

  /** Prints a part of the command's result on standard output, with a line end. */
  public void result(String text) {
    out.println(text);
  }

  /**
   * Prints the command's whole result as one JSON document on standard output.
   *
   * @param value maps, lists, records, numbers and strings
   */
  public void json(Object value) {
    out.println(JSON.writerWithDefaultPrettyPrinter().writeValueAsString(value));
  }

  /** Prints a line for the person in front of the screen on standard error. */
  public void message(String text) {
    err.println(text);
  }

  /** Standard output itself, for the help text. */
  PrintStream out() {
    return out;
  }

  /** Standard error itself, for progress lines that are rewritten. */
  public PrintStream err() {
    return err;
  }

  /** The time and the time zone. */
  public Clock clock() {
    return clock;
  }
}
