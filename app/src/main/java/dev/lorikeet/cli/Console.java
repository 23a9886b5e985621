package dev.lorikeet.cli;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.ZoneId;
import java.util.Map;
import tools.jackson.databind.json.JsonMapper;

/** Where commands speak and what they may read, and the clock and variables they look at. */
public final class Console {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  private final InputStream in;
  private final PrintStream out;
  private final PrintStream err;
  private final Screen screen;
  private final Clock clock;
  private final Map<String, String> environment;

  /** The streams stay open; they belong to the caller. */
  Console(
      InputStream in,
      PrintStream out,
      PrintStream err,
      Screen screen,
      Clock clock,
      Map<String, String> environment) {
    this.in = in;
    this.out = out;
    this.err = err;
    this.screen = screen;
    this.clock = clock;
    this.environment = Map.copyOf(environment);
  }

  /** What standard error is shown on. */
  public enum Screen {
    /** A person looks at it: a line can be written over. */
    TERMINAL,
    /** A file or another program: lines stay. */
    LINES
  }

  /** The process' own streams and the system's clock. */
  static Console system() {
    // JSON is UTF-8 whatever the terminal's locale says, and so is all that Lorikeet prints.
    return new Console(
        new FileInputStream(FileDescriptor.in),
        new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8),
        new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8),
        StandardError.isTerminal() ? Screen.TERMINAL : Screen.LINES,
        Clock.system(ZoneId.systemDefault()),
        System.getenv());
  }

  /** Everything on standard input, which is UTF-8 text. */
  public String input() {
    try {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException failure) {
      throw new UncheckedIOException("standard input cannot be read", failure);
    }
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

  /** What standard error is shown on. */
  public Screen screen() {
    return screen;
  }

  /** The time and the time zone. */
  public Clock clock() {
    return clock;
  }

  /** The variables of the process. */
  public Map<String, String> environment() {
    return environment;
  }
}
