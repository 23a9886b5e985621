package dev.lorikeet.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.pretrain.NanoSettings;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class NanoCommandTest {
  /** Two steps of four documents: the same code, seconds instead of hours. */
  private static final NanoSettings SMALL =
      new NanoSettings(1, 300, 20, 128, 64, 1, 8, 4, 2, 1e-3, 1);

  @TempDir Path temp;
  private final Terminal terminal = new Terminal();

  @Test
  @Tag("native")
  void theBuiltModelCanBeInspectedAndAsked() {
    Path out = temp.resolve("nano");
    Console console = terminal.console();
    CommandLine nano =
        NanoCommand.commandLine(console, SMALL)
            .setExecutionExceptionHandler(new Failures(console, List.of()));

    assertEquals(0, nano.execute("build", "--out", out.toString(), "--json"), terminal.err());

    assertEquals(out.toString(), terminal.json().path("directory").asString());
    assertTrue(terminal.json().path("held_out_loss").asDouble() > 0);
    assertTrue(terminal.err().contains("\nstep 2/2  loss "), terminal.err());
    assertEquals(0, terminal.run("inspect", out.toString(), "--json"), terminal.err());
    assertEquals("BF16", terminal.json().path("dtype").asString());
    assertEquals(Terminal.json("[]"), terminal.json().path("warnings"));
    assertEquals(
        0,
        terminal.run(
            "generate", "--model", out.toString(), "--prompt", "a", "--max-new-tokens", "2"),
        terminal.err());
  }

  @Test
  void folderThatHoldsAnythingIsRefused() {
    TinyModel.write(temp.resolve("precious"), "");
    assertEquals(2, terminal.run("nano", "build", "--out", temp.toString()));
    assertTrue(terminal.err().contains(" is not empty, and a model of hours"), terminal.err());

    assertEquals(2, terminal.run("nano", "build", "--out", temp.resolve("precious").toString()));
    assertTrue(terminal.err().contains("is a file, expected a folder"), terminal.err());
  }

  @Test
  void helpSaysThatItTakesHours() {
    terminal.run("nano", "build", "--help");
    assertTrue(terminal.out().contains("up to three hours on two cores"), terminal.out());
  }
}
