package dev.lorikeet.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What users get wrong, and what goes wrong: each is a sentence, and no file is left half done. */
class FinetuneMistakesTest {
  private static final String RECORD = "{\"prompt\": \"The tree\", \"completion\": \" sang\"}\n";

  @TempDir Path temp;
  private final Terminal terminal = new Terminal();

  private Path recipe(Path model, String records) {
    Path data = TinyModel.write(temp.resolve("data.jsonl"), records);
    return TinyModel.write(
        temp.resolve("recipe.yaml"),
        """
        model: {path: '%s'}
        data: {train: '%s', format: prompt_completion, validation: 0}
        train: {epochs: null, max_steps: 3, global_batch: 2, micro_batch: 2, warmup_steps: 0}
        output: {dir: '%s'}
        """
            .formatted(model, data, temp.resolve("runs")));
  }

  private void assertRefused(int exitCode, String message, Path recipe, String... more) {
    List<String> args = new ArrayList<>(List.of("finetune", recipe.toString()));
    args.addAll(List.of(more));

    assertEquals(exitCode, terminal.run(args.toArray(String[]::new)), terminal.err());
    assertTrue(terminal.err().contains("error: "), terminal.err());
    assertTrue(terminal.err().contains(message), terminal.err());
    assertFalse(terminal.err().contains("defect"), terminal.err());
    assertFalse(terminal.err().contains("\tat "), terminal.err());
    assertEquals("", terminal.out());
  }

  @Test
  void recipeHasToBeAFileWithARecipe() {
    assertRefused(2, "recipe nowhere.yaml does not exist (looked in ", Path.of("nowhere.yaml"));
    assertRefused(2, "is a folder; name the YAML file in it", temp);
    Path list = TinyModel.write(temp.resolve("list.yaml"), "- model\n");
    assertRefused(2, "a recipe is made of keys such as \"model:\"", list);
    Path empty = TinyModel.write(temp.resolve("empty.yaml"), "");
    assertRefused(2, "model.path", empty);
    assertEquals(2, terminal.run("finetune"));
    assertTrue(terminal.err().contains("Missing required parameter: 'RECIPE.yaml'"));
  }

  @Test
  void everyWrongOverrideIsToldAtOnce() {
    Path recipe = recipe(TinyModel.FOLDER, RECORD);

    assertRefused(
        2,
        "--set train.epochs: an override is written key=value, as in train.epochs=2",
        recipe,
        "--set",
        "train.epochs",
        "--set",
        "train.epohs=2");
    assertTrue(terminal.err().contains("did you mean train.epochs?"), terminal.err());
    assertRefused(2, "train is a section", recipe, "--set", "train=1");
  }

  @Test
  void devicesThatAreNotThereAreRefused() {
    assumeFalse(Files.exists(Path.of("/dev/nvidia0")), "a GPU is there");
    assertRefused(
        2, "device: cuda needs", recipe(TinyModel.FOLDER, RECORD), "--set", "device=cuda");
  }

  @Test
  @Tag("native")
  void modelHasToBeAFolder() {
    assertRefused(
        2, "there is no such folder. Give the folder that", recipe(temp.resolve("none"), RECORD));
  }

  @Test
  @Tag("native")
  void missingShardIsNamed() throws IOException {
    Path source =
        Path.of("../engine/src/test/resources/reference/llama/tied-gqa-sharded/model")
            .toAbsolutePath();
    Path model = Files.createDirectory(temp.resolve("sharded"));
    try (Stream<Path> files = Files.list(source)) {
      for (Path file : files.toList()) {
        Files.copy(file, model.resolve(file.getFileName()));
      }
    }
    Files.delete(model.resolve("model-00003-of-00005.safetensors"));

    assertRefused(
        2, "1 of 5 shards are missing: model-00003-of-00005.safetensors.", recipe(model, RECORD));
  }

  @Test
  @Tag("native")
  void tokenBeyondTheEmbeddingIsNamedWithItsText() {
    Path model = TinyModel.copy(temp);
    TinyModel.addToken(model);

    assertRefused(
        2,
        "gives id 288 for \"<note>\", but the model's embedding has 288 rows (ids 0 to 287)",
        recipe(model, RECORD + RECORD.replace("sang", "<note>")));
    assertFalse(Files.exists(temp.resolve("runs")), "nothing was started");
  }

  @Test
  @Tag("native")
  void maskedLabelsAreNamedWithTheCure() {
    assertRefused(
        2,
        "nothing is left to learn in any of its 1 records: with data.max_seq_len 4",
        recipe(TinyModel.FOLDER, RECORD),
        "--set",
        "data.max_seq_len=4");
  }

  @Test
  @Tag("native")
  void dataHasToHoldRecordsWithTheirKeys() {
    assertRefused(2, "data.jsonl holds no record", recipe(TinyModel.FOLDER, ""));
    assertRefused(
        2,
        "data.jsonl, line 2 (record 2): key \"completion\" is missing; the record has prompt, reply",
        recipe(TinyModel.FOLDER, RECORD + RECORD.replace("completion", "reply")));
  }

  @Test
  @Tag("native")
  void divergenceStopsTheRunAndKeepsTheLastGoodAdapter() {
    Path recipe = recipe(TinyModel.FOLDER, RECORD + RECORD);
    Path out = temp.resolve("out");

    assertRefused(
        1,
        "step 2: the loss is NaN",
        recipe,
        "--out",
        out.toString(),
        "--set",
        "train.learning_rate=1.0e30",
        "--set",
        "train.schedule=constant");

    assertTrue(
        terminal
            .err()
            .contains("The last good adapter, after 0 updates, is in " + out.resolve("adapter")),
        terminal.err());
    assertTrue(terminal.err().contains("A lower learning_rate"), terminal.err());
    assertEquals(1, TinyModel.lines(out.resolve("metrics.jsonl")).size());
    // Before its first update an adapter changes nothing.
    assertEquals(scores(), scores("--adapter", out.resolve("adapter").toString()));
    terminal.run("runs", "list", "--json", "--dir", temp.resolve("runs").toString());
    assertEquals("failed", terminal.json().path("runs").path(0).path("status").asString());
  }

  private List<JsonNode> scores(String... more) {
    List<String> args = new ArrayList<>(List.of("score", "--json", "--text", "The tree sang"));
    args.addAll(List.of("--model", TinyModel.FOLDER.toString()));
    args.addAll(List.of(more));
    assertEquals(0, terminal.run(args.toArray(String[]::new)), terminal.err());
    return terminal.json().path("logprobs").valueStream().toList();
  }

  @Test
  @Tag("native")
  void divergenceInTheMiddleKeepsTheValuesBeforeTheBadUpdate() {
    Path recipe = recipe(TinyModel.FOLDER, RECORD + RECORD);
    String[] settings = {"--set", "train.learning_rate=1.0e30", "--set", "train.warmup_steps=1"};
    List<String> args = new ArrayList<>(List.of("finetune", recipe.toString()));
    args.addAll(List.of(settings));
    args.addAll(List.of("--out", temp.resolve("out").toString()));

    // The first step of a warm-up has rate 0, so the second update is the bad one.
    assertEquals(1, terminal.run(args.toArray(String[]::new)), terminal.err());

    assertTrue(terminal.err().contains("step 3: the loss is NaN"), terminal.err());
    assertTrue(terminal.err().contains("after 1 updates, is in"), terminal.err());
  }

  @Test
  @Tag("native")
  void divergenceAtTheEndIsFoundByTheValidation() {
    Path recipe = recipe(TinyModel.FOLDER, RECORD + RECORD + RECORD);

    assertRefused(
        1,
        "after step 1 the loss over the held-out examples is NaN, so training was stopped.",
        recipe,
        "--set",
        "data.validation=0.3",
        "--set",
        "train.max_steps=1",
        "--set",
        "train.learning_rate=1.0e30");
    assertTrue(terminal.err().contains("The last good adapter, after 0 updates"), terminal.err());
  }

  @Test
  @Tag("native")
  void damagedWeightsAreNoticedAtTheFirstStep() {
    Path model = TinyModel.copy(temp);
    TinyModel.damage(model, "model.norm.weight");

    assertRefused(1, "step 1: the loss is NaN", recipe(model, RECORD + RECORD));
  }

  @Test
  @Tag("native")
  void damagedWeightsAreNoticedBeforeTraining() {
    Path model = TinyModel.copy(temp);
    TinyModel.damage(model, "model.norm.weight");

    assertRefused(
        1,
        "the untouched model's loss over the held-out examples is NaN",
        recipe(model, RECORD + RECORD),
        "--set",
        "data.validation=0.5");
  }

  @Test
  @Tag("native")
  void failedRunsKeepTheirReason() {
    Path model = TinyModel.copy(temp);
    TinyModel.damage(model, "model.norm.weight");
    Path out = temp.resolve("out");
    assertRefused(1, "step 1", recipe(model, RECORD + RECORD), "--out", out.toString());

    assertTrue(TinyModel.read(out.resolve("log.txt")).contains("failed step 1: the loss is NaN"));
    JsonNode config =
        JsonMapper.shared().readTree(out.resolve("adapter/adapter_config.json").toFile());
    assertEquals("LORA", config.path("peft_type").asString());
  }
}
