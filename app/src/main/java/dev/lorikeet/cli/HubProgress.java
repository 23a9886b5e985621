package dev.lorikeet.cli;

import dev.lorikeet.hub.HubListener;
import java.time.Duration;

/** Tells on standard error how a download goes. */
final class HubProgress implements HubListener {
  private final Console console;
  private final ProgressLine line;
  private final String model;
  private long startMillis;

  /** Progress of the download of {@code model}, as the user calls it. */
  HubProgress(Console console, String model) {
    this.console = console;
    this.model = model;
    line = new ProgressLine(console);
  }

  @Override
  public void planned(int files, long bytes) {
    startMillis = console.clock().millis();
    if (files > 0) {
      console.message(
          "downloading %s: %s, %s".formatted(model, Amounts.files(files), Amounts.bytes(bytes)));
    }
  }

  @Override
  public void advanced(long done, long planned) {
    if (planned == 0) {
      return;
    }
    double seconds = (console.clock().millis() - startMillis) / 1e3;
    String speed =
        seconds < 1 || done == 0
            ? ""
            : "  %s/s  %s left"
                .formatted(
                    Amounts.bytes((long) (done / seconds)),
                    Amounts.duration(
                        Duration.ofMillis((long) (1e3 * (planned - done) * seconds / done))));
    line.show(
        done,
        planned,
        "%s of %s (%s)%s"
            .formatted(
                Amounts.bytes(done),
                Amounts.bytes(planned),
                Amounts.percent((double) done / planned),
                speed));
    if (done == planned) {
      line.end();
    }
  }

  @Override
  public void notice(String text) {
    line.end();
    console.message("note: " + text);
  }

  /** Leaves the progress line as it stands. */
  void end() {
    line.end();
  }
}
