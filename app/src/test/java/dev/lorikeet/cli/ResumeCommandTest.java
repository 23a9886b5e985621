package dev.lorikeet.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

@Tag("native")
class ResumeCommandTest {
  @TempDir Path temp;
  private final Terminal terminal = new Terminal();
  private Path recipe = Path.of("");

  @BeforeEach
  void writeRecipe() {
    recipe = TinyModel.recipe(temp);
  }

  private JsonNode finetune(String... more) {
    List<String> args = new ArrayList<>(List.of("finetune", recipe.toString(), "--json"));
    args.addAll(List.of(more));
    assertEquals(0, terminal.run(args.toArray(String[]::new)), terminal.err());
    return terminal.json();
  }

  private int resume(String run, String... more) {
    List<String> args =
        new ArrayList<>(List.of("resume", run, "--dir", temp.resolve("runs").toString()));
    args.addAll(List.of(more));
    return terminal.run(args.toArray(String[]::new));
  }

  @Test
  void aFinishedRunIsToldAsSuch() {
    String run = finetune().path("run").asString();

    assertEquals(0, resume(run), terminal.err());

    assertTrue(
        terminal.out().startsWith("Run " + run + " is finished. To train it on, "), terminal.out());
    assertEquals(0, resume(run, "--json"), terminal.err());
    assertEquals("finished before", terminal.json().path("end").asString());
  }

  @Test
  void moreStepsNeedTheFlagAndTellTheRates() {
    String run = finetune().path("run").asString();

    assertEquals(2, resume(run, "--set", "train.max_steps=6"));
    String err = terminal.err();
    assertTrue(err.contains("\n  - train.max_steps: 3 then, 6 now\n"), err);
    assertTrue(err.contains("accept them with --allow-changes"), err);

    assertEquals(
        0, resume(run, "--set", "train.max_steps=6", "--allow-changes", "--json"), terminal.err());
    JsonNode json = terminal.json();
    assertEquals(6, json.path("steps").asInt());
    assertEquals("complete", json.path("end").asString());
    assertTrue(
        json.path("notices")
            .valueStream()
            .anyMatch(told -> told.asString().startsWith("The run gets 6 steps instead of 3")),
        json.toString());
    assertTrue(terminal.err().contains("\ngoing on after step 3\n"), terminal.err());
    assertEquals(
        6, TinyModel.lines(Path.of(json.path("directory").asString(), "metrics.jsonl")).size());
  }

  @Test
  void whatIsNotThereIsTold() {
    assertEquals(2, resume("20261122"));
    assertTrue(terminal.err().contains("error: There are no runs in "), terminal.err());
    String run = finetune().path("run").asString();
    assertEquals(2, resume("nonsense"));
    assertTrue(terminal.err().contains("is named nonsense; the newest are " + run));
    assertEquals(2, resume(run, "--set", "train.nonsense=1"));
    assertTrue(terminal.err().contains("train.nonsense is unknown"), terminal.err());
  }

  /** SIGTERM is Unix; elsewhere the process ends at once. */
  @Test
  void aTerminatedTrainingLeavesACheckpointAndGoesOnBitForBit() throws Exception {
    assumeTrue(Files.exists(Path.of("/bin/kill")), "no Unix signals here");
    String steps = "train.max_steps=120";
    Path whole = Path.of(finetune("--set", steps).path("output").asString());
    Child child = Child.start("finetune", recipe.toString(), "--set", steps);
    String id = child.readUntil("run folder ").replaceFirst(".*/", "");
    child.readUntil("step 1/120 ");

    child.terminate();
    String rest = child.rest();

    assertEquals(143, child.process().waitFor(), rest);
    assertTrue(rest.contains("stopping after this step, with a checkpoint"), rest);
    assertTrue(
        rest.contains("Go on: lorikeet resume " + id + " --dir " + temp.resolve("runs")), rest);
    terminal.run("runs", "show", id, "--json", "--dir", temp.resolve("runs").toString());
    assertEquals("stopped", terminal.json().path("status").asString());
    assertTrue(terminal.json().path("steps").asInt() < 120);
    assertEquals(0, resume(id, "--json"), terminal.err());
    assertEquals(120, terminal.json().path("steps").asInt());
    assertEquals(
        -1,
        Files.mismatch(
            whole.resolve("adapter_model.safetensors"),
            Path.of(terminal.json().path("output").asString(), "adapter_model.safetensors")));
  }
}
