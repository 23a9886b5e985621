package dev.lorikeet.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** The commands about a hub: download, models, and what they do for the others. */
class ModelsCommandTest {
  @TempDir Path temp;
  private Path home = Path.of("");
  private final List<TinyHub> hubs = new ArrayList<>();
  private Terminal terminal = new Terminal();

  @BeforeEach
  void start() throws IOException {
    home = temp.resolve("home");
    Path model = TinyModel.copy(temp);
    Files.write(model.resolve("pytorch_model.bin"), new byte[2000]);
    hubs.add(new TinyHub(model));
    terminal = hub().terminal(home);
  }

  private TinyHub hub() {
    return hubs.getFirst();
  }

  @AfterEach
  void stop() {
    hub().close();
  }

  private void download() {
    assertEquals(0, terminal.run("download", TinyHub.NAME), terminal.err());
  }

  @Test
  void aDownloadIsToldInAFewLines() {
    download();

    int files = hub().names().size() - 1;
    String out = terminal.out();
    assertTrue(out.startsWith("model     parrots/tiny\ncommit    " + TinyHub.COMMIT), out);
    assertTrue(out.contains("files     %d, %d of them fetched (".formatted(files, files)), out);
    assertTrue(out.contains("left out  1 file (2,000 bytes): pytorch_model.bin"), out);
    assertTrue(out.endsWith("folder    " + TinyHub.snapshot(home) + "\n"), out);
    String err = terminal.err();
    assertTrue(err.startsWith("downloading parrots/tiny: " + files + " files, "), err);
    assertTrue(err.contains("(100 %)"), err);

    download();
    assertTrue(terminal.out().contains(files + ", all in the cache before"), terminal.out());
    assertEquals("", terminal.err());
  }

  @Test
  void theDocumentHoldsTheSame() {
    assertEquals(
        0, terminal.run("download", TinyHub.NAME, "--include", "*.json", "--json"), terminal.err());

    JsonNode json = terminal.json();
    assertEquals("parrots/tiny", json.path("id").asString());
    assertEquals("main", json.path("revision").asString());
    assertEquals(TinyHub.COMMIT, json.path("commit").asString());
    assertEquals(TinyHub.snapshot(home).toString(), json.path("folder").asString());
    assertEquals(json.path("files").asInt(), json.path("fetched_files").asInt());
    assertEquals(2, json.path("left_out").size(), json.toString());
    assertTrue(json.path("left_out_bytes").asLong() > 2000);
    assertFalse(Files.exists(TinyHub.snapshot(home).resolve("model.safetensors")));
  }

  @Test
  void mistakesAreExplained() {
    assertEquals(2, terminal.run("download", "a/b/c"));
    assertTrue(terminal.err().contains("expected OWNER/NAME"), terminal.err());
    assertEquals(2, terminal.run("download", "parrots/none"));
    assertTrue(terminal.err().contains("has no repository parrots/none (404)"), terminal.err());
    assertEquals(2, terminal.run("download", "a/b@v1", "--revision", "v2"));
    assertTrue(terminal.err().contains("the revision is given twice"), terminal.err());
    assertEquals(2, terminal.run("download", TinyHub.NAME, "--parallel", "0"));
    assertTrue(terminal.err().contains("files at a time must be from 1"), terminal.err());
    assertEquals(2, terminal.run("download", TinyHub.NAME, "--offline"));
    assertTrue(terminal.err().contains("the network is switched off"), terminal.err());
    assertEquals(2, terminal.run("models", "inspect", TinyHub.NAME));
    assertTrue(terminal.err().contains("lorikeet download parrots/tiny gets it"), terminal.err());
    assertEquals(2, terminal.run("models", "remove", TinyHub.NAME));
  }

  @Test
  void theCacheIsListedShownAndEmptied() throws IOException {
    assertEquals(0, terminal.run("models"));
    assertEquals("", terminal.out());
    assertTrue(terminal.err().startsWith("No models in " + home), terminal.err());

    download();
    assertEquals(0, terminal.run("models", "list"), terminal.err());
    assertTrue(
        terminal
            .out()
            .lines()
            .toList()
            .get(1)
            .matches("parrots/tiny +main +c0ffeec0ffee .* whole +\\d{4}-.*"),
        terminal.out());
    assertTrue(terminal.out().contains(" on the disk, in " + home.resolve("hub")), terminal.out());

    assertEquals(0, terminal.run("models", "inspect", TinyHub.NAME, "--verify"), terminal.err());
    assertTrue(terminal.out().contains("state      whole"), terminal.out());
    assertTrue(terminal.out().contains("checksums  all right"), terminal.out());
    assertTrue(terminal.out().contains("\nmodel.safetensors "), terminal.out());

    Files.delete(TinyHub.snapshot(home).resolve("config.json"));
    assertEquals(0, terminal.run("models", "--json"), terminal.err());
    JsonNode snapshot = terminal.json().path("models").path(0).path("snapshots").path(0);
    assertFalse(snapshot.path("whole").asBoolean(true), snapshot.toString());
    assertEquals(0, terminal.run("models", "inspect", TinyHub.NAME), terminal.err());
    assertTrue(terminal.out().contains("missing: config.json"), terminal.out());

    assertEquals(0, terminal.run("models", "remove", TinyHub.NAME), terminal.err());
    assertTrue(terminal.out().startsWith("removed parrots/tiny, "), terminal.out());
    assertEquals(0, terminal.run("models", "--json"), terminal.err());
    assertEquals(0, terminal.json().path("models").size());
  }

  @Test
  void damagedBytesAreAFailure() {
    download();
    TinyModel.replace(TinyHub.snapshot(home).resolve("config.json"), "llama", "lIama");

    assertEquals(1, terminal.run("models", "inspect", TinyHub.NAME, "--verify"));

    assertTrue(terminal.out().contains("checksums  damaged: config.json"), terminal.out());
    assertTrue(terminal.err().contains("are not those of the hub"), terminal.err());
  }

  @Test
  void otherCommandsTakeWhatIsInTheCache() {
    assertEquals(2, terminal.run("tokenize", "--model", TinyHub.NAME, "--text", "a"));
    assertTrue(
        terminal
            .err()
            .startsWith("error: parrots/tiny: there is no such folder, and the cache of models in"),
        terminal.err());
    assertTrue(terminal.err().contains("lorikeet download parrots/tiny"), terminal.err());
    download();
    int requests = hub().requests();

    assertEquals(
        0, terminal.run("tokenize", "--model", TinyHub.NAME, "--text", "a"), terminal.err());
    assertEquals(0, terminal.run("inspect", TinyHub.NAME + "@" + TinyHub.COMMIT), terminal.err());
    assertTrue(terminal.out().contains(TinyHub.snapshot(home).toString()), terminal.out());
    assertEquals(2, terminal.run("inspect", TinyHub.NAME + "@v1"), terminal.err());
    assertTrue(terminal.err().contains("not whole at that revision"), terminal.err());
    assertEquals(requests, hub().requests());
  }

  @Test
  @Tag("native")
  void aRecipeMayNameARepository() {
    Path recipe = TinyModel.recipe(temp);
    TinyModel.replace(recipe, "{path: '" + TinyModel.FOLDER + "'}", "{id: " + TinyHub.NAME + "}");
    assertEquals(2, terminal.run("finetune", recipe.toString(), "--offline"));
    assertTrue(terminal.err().contains("is not in the cache"), terminal.err());

    assertEquals(0, terminal.run("finetune", recipe.toString(), "--json"), terminal.err());

    assertTrue(terminal.err().contains("downloading parrots/tiny"), terminal.err());
    JsonNode json = terminal.json();
    Path run = Path.of(json.path("directory").asString());
    assertTrue(run.getFileName().toString().endsWith("-lora-tiny"), run.toString());
    String kept = TinyModel.read(run.resolve("recipe.yaml"));
    assertTrue(kept.contains("path: null"), kept);
    assertTrue(kept.contains("id: parrots/tiny"), kept);
    assertTrue(kept.contains("revision: " + TinyHub.COMMIT), kept);
    assertTrue(
        TinyModel.read(run.resolve("adapter/adapter_config.json"))
            .contains("\"base_model_name_or_path\" : \"parrots/tiny\""));
    assertTrue(
        json.path("next").asString().startsWith("lorikeet generate --model parrots/tiny "),
        json.toString());
    int requests = hub().requests();
    assertEquals(
        0,
        terminal.run(
            "resume",
            run.getFileName().toString(),
            "--dir",
            temp.resolve("runs").toString(),
            "--offline",
            "--allow-changes",
            "--set",
            "train.max_steps=4"),
        terminal.err());
    assertEquals(requests, hub().requests());
  }

  @Test
  void aRecipeMayNameADataSet() throws IOException {
    Files.writeString(
        temp.resolve("model/train.jsonl"),
        "{\"prompt\": \"once\", \"completion\": \"upon\"}\n".repeat(8));
    Path recipe = TinyModel.recipe(temp);
    Files.writeString(
        recipe,
        TinyModel.read(recipe).replaceAll("data: \\{train: '[^']*'", "data: {id: " + TinyHub.NAME));

    assertEquals(0, terminal.run("finetune", recipe.toString(), "--json"), terminal.err());

    Path run = Path.of(terminal.json().path("directory").asString());
    String kept = TinyModel.read(run.resolve("recipe.yaml"));
    assertTrue(kept.contains("id: parrots/tiny\n  revision: " + TinyHub.COMMIT), kept);
    String provenance = TinyModel.read(run.resolve("provenance.json"));
    assertTrue(provenance.contains("datasets--parrots--tiny"), provenance);
  }

  @Test
  void aDataSetIsDownloadedByName() throws IOException {
    Files.writeString(temp.resolve("model/train.jsonl"), "{}");

    assertEquals(0, terminal.run("download", "datasets/" + TinyHub.NAME), terminal.err());

    assertTrue(terminal.out().startsWith("data set  datasets/parrots/tiny\n"), terminal.out());
    assertTrue(terminal.out().contains("files     1, 1 of them fetched"), terminal.out());
    assertEquals(0, terminal.run("models"));
    assertTrue(terminal.out().contains("datasets/parrots/tiny  main"), terminal.out());
  }
}
