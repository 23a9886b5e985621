package dev.lorikeet.metric;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.RunException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** A user's command over what a model wrote; the commands are those of a Unix shell. */
@DisabledOnOs(OS.WINDOWS)
class CodeCompilesTest {
  @TempDir private Path folder;

  @Test
  void theCommandSeesTheCodeBetweenFences() {
    Metric metric =
        ReferenceCases.metric(
            "code_compiles(command=\"grep -q '^int x;$' {file}\", extension=\".c\")");
    assertEquals(1, ReferenceCases.score(metric, "Here:\n```c\nint x;\n```\nDone."));
    assertEquals(1, ReferenceCases.score(metric, "int x;\n"));
    assertEquals(0, ReferenceCases.score(metric, "int y;\n"));
  }

  @Test
  void theCommandIsNotGivenToAShell() {
    Path trace = folder.resolve("trace");
    CheckCommand command = command("echo {file} ; touch " + trace, Duration.ofSeconds(20), 1000);
    assertTrue(command.accepts("$(touch " + trace + ")"));
    assertTrue(Files.notExists(trace));
  }

  @Test
  void aCommandThatTakesTooLongHasFailedAndLeavesNoChild() throws Exception {
    Path pid = folder.resolve("pid");
    CheckCommand slow =
        command(
            "sh -c 'sleep 600 & echo $! > " + pid + "; wait' {file}", Duration.ofSeconds(3), 1000);
    assertFalse(slow.accepts("x"));
    long child = Long.parseLong(Files.readString(pid).strip());
    Optional<ProcessHandle> sleeping = ProcessHandle.of(child);
    if (sleeping.isPresent()) {
      sleeping.get().onExit().get(30, TimeUnit.SECONDS);
    }
    assertFalse(ProcessHandle.of(child).map(ProcessHandle::isAlive).orElse(false));
  }

  @Test
  void aCommandThatPrintsWithoutEndHasFailed() {
    assertFalse(command("yes {file}", Duration.ofSeconds(60), 100_000).accepts("x"));
  }

  @Test
  void muchOutputBelowTheLimitIsNoFailure() {
    assertTrue(
        new CheckCommand(
                List.of("sh", "-c", "seq 60000; test -s {file}"),
                "",
                Duration.ofSeconds(60),
                1_000_000)
            .accepts("x"));
  }

  @Test
  void nothingIsLeftBehind() {
    CheckCommand listing =
        new CheckCommand(
            List.of("sh", "-c", "dirname {file} > " + folder.resolve("where")),
            ".py",
            Duration.ofSeconds(20),
            1000);
    assertTrue(listing.accepts("x"));
    Path used = read(folder.resolve("where"));
    assertTrue(Files.notExists(used), used.toString());
  }

  private static Path read(Path file) {
    try {
      return Path.of(Files.readString(file).strip());
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  @Test
  void aProgramThatIsNotThereIsTold() {
    CheckCommand missing = command("no-such-program {file}", Duration.ofSeconds(5), 1000);
    RunException failed = assertThrows(RunException.class, () -> missing.accepts("x"));
    assertTrue(failed.getMessage().contains("no-such-program {file}"), failed.getMessage());
    assertTrue(failed.getMessage().contains("check that the program is installed"));
  }

  private static CheckCommand command(String line, Duration timeout, long mostOutputBytes) {
    return new CheckCommand(CheckCommand.words(line), "", timeout, mostOutputBytes);
  }
}
