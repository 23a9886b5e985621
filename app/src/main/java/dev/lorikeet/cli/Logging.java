package dev.lorikeet.cli;

import java.util.Locale;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;

/** Sends what the other rooms log to standard error, a line per event. */
final class Logging {
  /** Held here because the logging library would forget a logger that nobody holds. */
  private static final Logger LORIKEET = Logger.getLogger("dev.lorikeet");

  private Logging() {}

  /** How much is shown. */
  enum Detail {
    WARNINGS,
    EVERYTHING
  }

  /** Replaces what an earlier call set. */
  static void configure(Detail detail, Console console) {
    for (Handler handler : LORIKEET.getHandlers()) {
      LORIKEET.removeHandler(handler);
    }
    LORIKEET.setUseParentHandlers(false);
    LORIKEET.setLevel(detail == Detail.EVERYTHING ? Level.ALL : Level.WARNING);
    LORIKEET.addHandler(new Lines(console));
  }

  /** Prints events without the trace of their exceptions. */
  private static final class Lines extends Handler {
    private final Console console;
    private final SimpleFormatter formatter = new SimpleFormatter();

    Lines(Console console) {
      this.console = console;
    }

    @Override
    public void publish(LogRecord event) {
      if (isLoggable(event)) {
        String level = event.getLevel().getName().toLowerCase(Locale.ROOT);
        console.message(level + ": " + formatter.formatMessage(event));
      }
    }

    @Override
    public void flush() {
      console.err().flush();
    }

    @Override
    public void close() {
      flush();
    }
  }
}
