package dev.lorikeet.cli;

import dev.lorikeet.cli.Console.Screen;

/**
 * One line on standard error that says how far something is. A terminal sees it rewritten in place;
 * a file gets a line for every tenth of the way, and one after every five seconds.
 */
final class ProgressLine {
  private static final long TERMINAL_MILLIS = 100;
  private static final long LINES_MILLIS = 5000;
  private static final int PARTS = 10;

  private final Console console;
  private long shownMillis = Long.MIN_VALUE;
  private long shownPart = -1;
  private int openWidth;

  ProgressLine(Console console) {
    this.console = console;
  }

  /**
   * Shows {@code text} if it is time to.
   *
   * @param done from 1 to {@code total}; the first and the last are always shown
   */
  void show(long done, long total, String text) {
    long now = console.clock().millis();
    boolean terminal = console.screen() == Screen.TERMINAL;
    long part = done * PARTS / total;
    boolean due =
        shownPart < 0
            || done == total
            || now - shownMillis >= (terminal ? TERMINAL_MILLIS : LINES_MILLIS)
            || (!terminal && part > shownPart);
    if (!due) {
      return;
    }
    shownMillis = now;
    shownPart = part;
    if (terminal) {
      rewrite(text);
    } else {
      console.message(text);
    }
  }

  private void rewrite(String text) {
    String rest = " ".repeat(Math.max(0, openWidth - text.length()));
    console.err().print("\r" + text + rest);
    console.err().flush();
    openWidth = text.length();
  }

  /** Leaves the line as it stands; what is printed next begins a new one. */
  void end() {
    if (openWidth > 0) {
      console.err().println();
      openWidth = 0;
    }
  }
}
