package dev.lorikeet.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("native")
class QuickstartCommandTest {
  @TempDir Path temp;
  private final Terminal terminal = new Terminal();

  /** SIGTERM is Unix; elsewhere the process ends at once. */
  @Test
  void aTerminatedQuickstartLeavesACheckpointAndSaysHowToGoOn() throws Exception {
    assumeTrue(Files.exists(Path.of("/bin/kill")), "no Unix signals here");
    String runs = temp.resolve("runs").toString();
    Child child =
        Child.start(
            "quickstart",
            "--dir",
            runs,
            "--set",
            "train.max_steps=120",
            "--set",
            "train.epochs=null");
    String id = child.readUntil("run folder ").replaceFirst(".*/", "");
    child.readUntil("step 1/120 ");

    child.terminate();
    String rest = child.rest();

    assertEquals(143, child.process().waitFor(), rest);
    assertTrue(rest.contains("stopping after this step, with a checkpoint"), rest);
    assertTrue(rest.contains("Go on: lorikeet resume " + id + " --dir " + runs), rest);
    assertFalse(rest.contains("exact match"), rest);
    terminal.run("runs", "show", id, "--json", "--dir", runs);
    assertEquals("stopped", terminal.json().path("status").asString());
    assertEquals(0, terminal.run("resume", id, "--json", "--dir", runs), terminal.err());
    assertEquals("complete", terminal.json().path("end").asString());
    assertEquals(120, terminal.json().path("steps").asInt());
  }

  @Test
  void itTellsTheScoresBeforeAndAfter() {
    String runs = temp.resolve("runs").toString();
    assertEquals(
        0,
        terminal.run(
            "quickstart",
            "--json",
            "--dir",
            runs,
            "--set",
            "train.max_steps=3",
            "--set",
            "train.epochs=null"),
        terminal.err());
    assertEquals(200, terminal.json().path("test_messages").asInt());
    assertTrue(terminal.json().has("exact_match_before"), terminal.out());
    assertTrue(terminal.json().has("exact_match_after"), terminal.out());
    assertTrue(terminal.err().contains("untouched model: "), terminal.err());
  }
}
