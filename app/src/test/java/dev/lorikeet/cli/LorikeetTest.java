package dev.lorikeet.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.RunException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LorikeetTest {
  private final Terminal terminal = new Terminal();

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "download",
        "models",
        "models list",
        "models inspect",
        "models remove",
        "finetune",
        "resume",
        "generate",
        "score",
        "tokenize",
        "merge",
        "inspect",
        "template",
        "template render",
        "runs",
        "runs list",
        "runs show",
        "runs diff",
        "runs note",
        "nano",
        "nano build",
        "doctor"
      })
  void everyCommandHasHelpAndVersion(String command) {
    String[] words = command.isEmpty() ? new String[0] : command.split(" ");

    assertEquals(0, terminal.run(with(words, "--help")), terminal.err());
    String name = (" lorikeet " + command).stripTrailing();
    assertTrue(terminal.out().startsWith("Usage:" + name + " "), terminal.out());
    assertEquals("", terminal.err());

    assertEquals(0, terminal.run(with(words, "--version")), terminal.err());
    assertTrue(terminal.out().matches("(?s)lorikeet \\d+\\.\\d+\\.\\d+.*libtorch \\d.*"));
  }

  private static String[] with(String[] words, String last) {
    String[] all = java.util.Arrays.copyOf(words, words.length + 1);
    all[words.length] = last;
    return all;
  }

  @Test
  void unknownOptionIsAnsweredWithTheNearest() {
    assertEquals(2, terminal.run("runs", "list", "--jsn"));
    assertTrue(terminal.err().startsWith("error: Unknown option: '--jsn'"), terminal.err());
    assertTrue(terminal.err().contains("Possible solutions: --json"), terminal.err());
    assertTrue(terminal.err().contains("'lorikeet runs list --help'"), terminal.err());
    assertEquals("", terminal.out());
  }

  @Test
  void unknownCommandIsAnsweredWithTheNearest() {
    assertEquals(2, terminal.run("docter"));
    assertTrue(terminal.err().contains("error: Unmatched argument at index 0: 'docter'"));
    assertTrue(terminal.err().contains("Did you mean: lorikeet doctor"), terminal.err());
  }

  @Test
  void noCommandIsAMistake() {
    assertEquals(2, terminal.run());
    assertTrue(terminal.err().contains("error: Missing required subcommand"), terminal.err());
  }

  @Test
  void mistakesAreToldByTheirMessageAlone() {
    Failures failures = new Failures(terminal.console(), List.of("finetune"));

    assertEquals(2, failures.report(new ConfigException("train.epochs is -1, expected > 0")));
    assertEquals("error: train.epochs is -1, expected > 0\n", terminal.err());
  }

  @Test
  void failedRunsExitWithOne() {
    Failures failures = new Failures(terminal.console(), List.of("finetune"));
    IOException cause = new IOException("No space left on device");

    assertEquals(1, failures.report(new RunException("The disk is full", cause)));
    assertEquals("error: The disk is full\n", terminal.err());
  }

  @Test
  void verboseTellsTheCausesInALineEach() {
    Console console = terminal.console();
    Logging.configure(Logging.Detail.EVERYTHING, console);
    Failures failures = new Failures(console, List.of("finetune"));

    failures.report(new RunException("The disk is full", new IOException("No space left")));
    Logging.configure(Logging.Detail.WARNINGS, console);
    failures.report(new RunException("The disk is full", new IOException("No space left")));

    assertEquals(
        """
        error: The disk is full
        fine: cause=java.io.IOException: No space left
        error: The disk is full
        """,
        terminal.err());
  }

  @Test
  void defectsAreSavedWithTheirTraceAndNotPrinted() throws IOException {
    Failures failures = new Failures(terminal.console(), List.of("finetune", "my recipe.yaml"));

    assertEquals(1, failures.report(new IllegalStateException("rank 0 reached the kernel")));

    Matcher line =
        Pattern.compile(
                "error: this is a defect of Lorikeet \\(java.lang.IllegalStateException: rank 0"
                    + " reached the kernel\\); please report it with the file (\\S+)\n")
            .matcher(terminal.err());
    assertTrue(line.matches(), terminal.err());
    Path file = Path.of(line.group(1));
    String saved = Files.readString(file);
    Files.delete(file);
    assertTrue(saved.contains("command  [finetune, my recipe.yaml]"), saved);
    assertTrue(saved.contains("at dev.lorikeet.cli.LorikeetTest.defects"), saved);
  }

  @Test
  void fullHeapIsNotADefect() {
    Failures failures = new Failures(terminal.console(), List.of());

    assertEquals(1, failures.report(new OutOfMemoryError("Java heap space")));
    assertFalse(terminal.err().contains("defect"), terminal.err());
    assertTrue(terminal.err().contains("LORIKEET_JAVA_OPTS=-Xmx4g"), terminal.err());
  }
}
