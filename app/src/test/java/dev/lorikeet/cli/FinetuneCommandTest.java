package dev.lorikeet.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

@Tag("native")
class FinetuneCommandTest {
  @TempDir Path temp;
  private final Terminal terminal = new Terminal();
  private Path recipe = Path.of("");

  @BeforeEach
  void writeRecipe() {
    recipe = TinyModel.recipe(temp);
  }

  private int finetune(String... more) {
    List<String> args = new ArrayList<>(List.of("finetune", recipe.toString()));
    args.addAll(List.of(more));
    return terminal.run(args.toArray(String[]::new));
  }

  private static List<JsonNode> metrics(Path run) {
    return TinyModel.lines(run.resolve("metrics.jsonl")).stream()
        .map(JsonMapper.shared()::readTree)
        .toList();
  }

  private static List<Double> losses(Path run) {
    return metrics(run).stream().map(row -> row.path("train_loss").asDouble()).toList();
  }

  @Test
  void theDocumentHoldsTheWholeResult() {
    assertEquals(0, finetune("--json"), terminal.err());

    JsonNode json = terminal.json();
    Path run = Path.of(json.path("directory").asString());
    assertEquals(run.getFileName().toString(), json.path("run").asString());
    assertEquals(temp.resolve("runs"), run.getParent());
    assertEquals(run.resolve("adapter").toString(), json.path("output").asString());
    assertEquals("lora", json.path("technique").asString());
    assertEquals(3, json.path("steps").asInt());
    assertEquals(12, json.path("train_examples").asInt());
    assertEquals(2, json.path("validation_examples").asInt());
    // r 4 · (in + out) of seven maps in two layers.
    int trainable = 2 * 4 * (64 + 48 + 48 + 64 + 80 + 80 + 80);
    assertEquals(trainable, json.path("trainable_parameters").asInt());
    double before = json.path("validation_loss_before").asDouble();
    double after = json.path("validation_loss_after").asDouble();
    assertTrue(after < before - 0.1, json.toString());
    assertEquals(Math.exp(after), json.path("perplexity_after").asDouble(), 1e-9);
    assertEquals(Math.exp(before), json.path("perplexity_before").asDouble(), 1e-9);
    assertTrue(json.path("tokens_per_second").asDouble() > 0);
    assertTrue(json.path("peak_bytes").asLong() > 0);
    assertEquals(
        "lorikeet generate --model %s --adapter %s --prompt '...'"
            .formatted(TinyModel.FOLDER, run.resolve("adapter")),
        json.path("next").asString());
  }

  @Test
  void qloraCountsTheSameParametersAndSaysHowToAskTheTunedModel() {
    assertEquals(0, finetune("--json"), terminal.err());
    JsonNode lora = terminal.json();

    assertEquals(0, finetune("--json", "--set", "adapter.technique=qlora"), terminal.err());

    JsonNode qlora = terminal.json();
    assertEquals("qlora", qlora.path("technique").asString());
    for (String key : List.of("trainable_parameters", "total_parameters")) {
      assertEquals(lora.path(key).asLong(), qlora.path(key).asLong(), key);
    }
    assertTrue(qlora.path("peak_bytes").asLong() < lora.path("peak_bytes").asLong());
    double after = qlora.path("validation_loss_after").asDouble();
    assertTrue(after < qlora.path("validation_loss_before").asDouble() - 0.1, qlora.toString());
    Path run = Path.of(qlora.path("directory").asString());
    assertEquals(
        "lorikeet generate --model %s --adapter %s --quantization nf4 --prompt '...'"
            .formatted(TinyModel.FOLDER, run.resolve("adapter")),
        qlora.path("next").asString());
    assertTrue(
        TinyModel.read(run.resolve("provenance.json")).contains("\"quantization\" : \"nf4\""));
  }

  @Test
  void loftqSaysWhichBaseItsAdapterNeeds() {
    for (int turns = 1; turns <= 2; turns++) {
      assertEquals(
          0,
          finetune(
              "--json",
              "--set",
              "adapter.technique=qlora",
              "--set",
              "adapter.init_lora_weights=loftq",
              "--set",
              "adapter.loftq_iter=" + turns),
          terminal.err());
      JsonNode json = terminal.json();
      Path run = Path.of(json.path("directory").asString());
      String adapter = run.resolve("adapter").toString();
      String base = run.resolve("base").toString();
      String model = TinyModel.FOLDER.toString();
      assertEquals(
          "lorikeet generate --model %s --adapter %s%s --prompt '...'"
              .formatted(
                  turns == 1 ? model : base, adapter, turns == 1 ? " --quantization nf4" : ""),
          json.path("next").asString());
      assertEquals(turns == 2, terminal.err().contains("LoftQ changed the quantised base"));
      String[] ask = {"--adapter", adapter, "--text", "The tree"};
      if (turns == 1) {
        assertEquals(0, score(ask, "--model", model, "--quantization", "nf4"), terminal.err());
      } else {
        assertEquals(0, score(ask, "--model", base), terminal.err());
        assertEquals(2, score(ask, "--model", model, "--quantization", "nf4"));
        assertTrue(terminal.err().contains("it was trained on " + base), terminal.err());
      }
      assertEquals(2, score(ask, "--model", model));
    }
  }

  private int score(String[] ask, String... of) {
    return terminal.run(
        Stream.of(new String[] {"score"}, of, ask).flatMap(Arrays::stream).toArray(String[]::new));
  }

  @Test
  void metricsAndProvenanceOfTheRunAreComplete() {
    assertEquals(0, finetune("--json", "--set", "train.seed=7"), terminal.err());

    Path run = Path.of(terminal.json().path("directory").asString());
    List<JsonNode> rows = metrics(run);
    assertEquals(List.of(1, 2, 3), rows.stream().map(row -> row.path("step").asInt()).toList());
    for (JsonNode row : rows) {
      for (String key :
          List.of(
              "epoch",
              "train_loss",
              "learning_rate",
              "grad_norm",
              "tokens_labelled",
              "tokens_total",
              "tokens_per_second",
              "cpu_utilisation",
              "current_bytes",
              "peak_bytes",
              "elapsed_nanos")) {
        assertTrue(row.path(key).isNumber(), key + " in " + row);
      }
    }
    assertTrue(rows.getLast().path("validation_loss").isNumber());
    JsonNode provenance = JsonMapper.shared().readTree(run.resolve("provenance.json").toFile());
    assertEquals(
        List.of("lorikeet", "finetune", recipe.toString(), "--json", "--set", "train.seed=7"),
        provenance.path("command_line").valueStream().map(JsonNode::asString).toList());
    assertEquals(
        Version.current().lorikeet(), provenance.path("versions").path("lorikeet").asString());
    assertEquals(64, provenance.path("data").path("train_sha256").asString().length());
    assertTrue(TinyModel.read(run.resolve("recipe.yaml")).contains("seed: 7"));
  }

  @Test
  void theRunIsListed() {
    finetune("--json");
    JsonNode done = terminal.json();

    terminal.run("runs", "list", "--json", "--dir", temp.resolve("runs").toString());

    JsonNode listed = terminal.json().path("runs").path(0);
    assertEquals(done.path("run"), listed.path("id"));
    assertEquals("finished", listed.path("status").asString());
    assertEquals(3, listed.path("steps").asInt());
    assertEquals(done.path("train_loss").asDouble(), listed.path("train_loss").asDouble(), 1e-12);
  }

  @Test
  void theAdapterChangesWhatTheModelFindsLikely() {
    finetune("--json");
    String adapter = terminal.json().path("output").asString();
    String[] score = {
      "score", "--json", "--model", TinyModel.FOLDER.toString(), "--text", "The lorikeet sat"
    };
    assertEquals(0, terminal.run(score), terminal.err());
    double base = terminal.json().path("sum").asDouble();

    List<String> adapted = new ArrayList<>(List.of(score));
    adapted.addAll(List.of("--adapter", adapter));
    assertEquals(0, terminal.run(adapted.toArray(String[]::new)), terminal.err());

    assertTrue(terminal.json().path("sum").asDouble() > base + 0.1, terminal.out());
  }

  @Test
  void sameSeedSameNumbers() {
    finetune("--out", temp.resolve("a").toString());
    finetune("--out", temp.resolve("b").toString());
    finetune("--out", temp.resolve("c").toString(), "--set", "train.seed=43");

    assertEquals(losses(temp.resolve("a")), losses(temp.resolve("b")));
    assertEquals(
        -1,
        mismatch(
            temp.resolve("a/adapter/adapter_model.safetensors"),
            temp.resolve("b/adapter/adapter_model.safetensors")));
    assertNotEquals(losses(temp.resolve("a")), losses(temp.resolve("c")));
  }

  private static long mismatch(Path left, Path right) {
    try {
      return Files.mismatch(left, right);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  @Test
  void peopleReadWhatHappensAndWhatCameOut() {
    assertEquals(0, finetune("--out", temp.resolve("out").toString()), terminal.err());

    String err = terminal.err();
    assertTrue(
        err.startsWith("fine-tuning " + TinyModel.FOLDER + " with lora, r 4 on all-linear\n"), err);
    assertTrue(err.contains("\ntraining 3,712 of 28,448 parameters (13.0 %)\n"), err);
    assertTrue(err.contains("\n12 examples, 2 held out, 3 steps\n"), err);
    assertTrue(err.contains("\nrun folder " + temp.resolve("out") + "\n"), err);
    assertTrue(err.contains("\nvalidation before training: loss 5."), err);
    assertTrue(err.contains("\nstep 3/3  loss "), err);
    assertTrue(err.contains("\nvalidation after step 3: loss "), err);
    String out = terminal.out();
    assertTrue(out.matches("(?s)run +\\d{8}-\\d{6}-lora-model\n.*"), out);
    assertTrue(out.contains("\nperplexity "), out);
    assertTrue(out.contains("\npeak memory "), out);
    assertTrue(out.contains("\nNext: lorikeet generate --model "), out);
  }

  @Test
  void fullTrainingLeavesAModelThatGenerates() {
    assertEquals(0, finetune("--json", "--set", "adapter.technique=full"), terminal.err());
    JsonNode json = terminal.json();
    assertEquals(json.path("total_parameters"), json.path("trainable_parameters"));
    String model = json.path("output").asString();

    assertEquals(
        0,
        terminal.run("generate", "--model", model, "--prompt", "The", "--max-new-tokens", "3"),
        terminal.err());
  }

  @Test
  void aFolderWithAnotherRunIsNeverTouched() {
    String out = temp.resolve("out").toString();
    finetune("--out", out);
    String before = TinyModel.read(temp.resolve("out/metrics.jsonl"));

    assertEquals(2, finetune("--out", out));

    assertTrue(
        terminal.err().contains("error: --out " + out + " holds another run, and a run never"),
        terminal.err());
    assertEquals("", terminal.out());
    assertEquals(before, TinyModel.read(temp.resolve("out/metrics.jsonl")));
  }

  @Test
  void recordsThatWereCutAreCountedAndTold() {
    assertEquals(
        0,
        finetune("--json", "--set", "data.max_seq_len=60", "--set", "data.mask_prompt=false"),
        terminal.err());

    List<String> notices =
        StreamSupport.stream(terminal.json().path("notices").spliterator(), false)
            .map(JsonNode::asString)
            .toList();
    assertTrue(
        notices.stream()
            .anyMatch(told -> told.startsWith("14 of 14 records are longer than 60 tokens")),
        notices.toString());
    assertTrue(terminal.err().contains("note: 14 of 14 records"), terminal.err());
  }
}
