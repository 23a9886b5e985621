package dev.lorikeet.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.lorikeet.cli.Console.Screen;
import dev.lorikeet.job.RunListener.Start;
import dev.lorikeet.train.Evaluation;
import dev.lorikeet.train.StepReport;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import org.junit.jupiter.api.Test;

class ProgressTest {
  private final Terminal terminal = new Terminal();
  private final Ticking clock = new Ticking();

  /** A clock that a test moves. */
  private static final class Ticking extends Clock {
    private Instant now = Instant.EPOCH;

    void pass(long millis) {
      now = now.plusMillis(millis);
    }

    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Instant instant() {
      return now;
    }
  }

  private static Start start(long steps) {
    return new Start("run", Path.of("runs/run"), steps, 1_900, 100, 4_096, 131_072);
  }

  /** A step of 1,000 tokens in half a second. */
  private static StepReport report(long step) {
    return new StepReport(step, 2.5, 1, 1e-3, 500, 1_000, 500_000_000);
  }

  private void steps(Progress progress, int steps, long millisEach) {
    for (int step = 1; step <= steps; step++) {
      clock.pass(millisEach);
      progress.step(report(step), start(steps), Duration.ofMillis(millisEach * (steps - step)));
    }
  }

  @Test
  void aTerminalSeesOneLineRewritten() {
    Progress progress = new Progress(terminal.console(Screen.TERMINAL, clock));

    steps(progress, 3, 1000);
    progress.validated(3, new Evaluation(0, 0.5));

    assertEquals(
        "\rstep 1/3  loss 2.5000  2,000 tokens/s  2.0 s left"
            + "\rstep 2/3  loss 2.5000  2,000 tokens/s  1.0 s left"
            + "\rstep 3/3  loss 2.5000  2,000 tokens/s  0.0 s left\n"
            + "validation after step 3: loss 0, perplexity 1, accuracy 50.0 %\n",
        terminal.err());
  }

  @Test
  void aTerminalIsNotFlooded() {
    Progress progress = new Progress(terminal.console(Screen.TERMINAL, clock));

    steps(progress, 1000, 1);

    // The first, the last, and one after every tenth of a second.
    assertEquals(11, terminal.err().chars().filter(c -> c == '\r').count());
  }

  @Test
  void aShorterTextCoversTheLongerOne() {
    ProgressLine line = new ProgressLine(terminal.console(Screen.TERMINAL, clock));

    line.show(1, 2, "a long text");
    line.show(2, 2, "short");
    line.end();
    line.end();

    assertEquals("\ra long text\rshort      \n", terminal.err());
  }

  @Test
  void aFileGetsALineForEveryTenthOfAFastRun() {
    Progress progress = new Progress(terminal.console(Screen.LINES, clock));

    steps(progress, 100, 1);

    List<String> lines = terminal.err().lines().toList();
    assertEquals(11, lines.size(), terminal.err());
    assertEquals("step 1/100  loss 2.5000  2,000 tokens/s  0.1 s left", lines.getFirst());
    assertEquals("step 10/100  loss 2.5000  2,000 tokens/s  0.1 s left", lines.get(1));
  }

  @Test
  void aFileGetsALineEveryFiveSecondsOfASlowRun() {
    Progress progress = new Progress(terminal.console(Screen.LINES, clock));

    steps(progress, 20, 4_000);

    // Every second step, because two steps take eight seconds; a tenth is two steps as well.
    assertEquals(11, terminal.err().lines().count(), terminal.err());
    assertEquals(2_000, progress.tokensPerSecond());
  }

  @Test
  void theBeginningSaysWhatIsTrainedAndWhere() {
    Progress progress = new Progress(terminal.console(Screen.LINES, clock));

    progress.notice("3 records are too long.");
    progress.started(start(10));

    assertEquals(
        """
        note: 3 records are too long.
        training 4,096 of 131,072 parameters (3.13 %)
        1,900 examples, 100 held out, 10 steps
        run folder runs/run
        """,
        terminal.err());
    assertEquals(List.of("3 records are too long."), progress.notices());
    assertEquals(start(10), progress.start().orElseThrow());
  }
}
