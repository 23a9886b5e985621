package dev.lorikeet.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

@Tag("native")
class MergeCommandTest {
  @TempDir Path temp;
  private final Terminal terminal = new Terminal();

  /** Two steps of DoRA. */
  private Path adapter() {
    Path run = temp.resolve("run");
    if (!Files.exists(run)) {
      Path data =
          TinyModel.write(
              temp.resolve("data.json"),
              "[{'instruction': 'Sing', 'output': 'The tree sang'},".replace('\'', '"')
                  + " {'instruction': 'Go', 'output': 'The tree went'}]".replace('\'', '"'));
      Path recipe =
          TinyModel.write(
              temp.resolve("recipe.yaml"),
              "model: {path: '%s'}\ndata: {train: '%s', validation: 0.0}\n"
                      .formatted(TinyModel.FOLDER, data)
                  + "adapter: {technique: dora}\n"
                  + "train: {epochs: 2, learning_rate: 1.0e-2, warmup_steps: 0, global_batch: 2, micro_batch: 1}\n");
      int code = terminal.run("finetune", recipe.toString(), "--out", run.toString());
      assertEquals(0, code, terminal.err());
    }
    return run.resolve("adapter");
  }

  private int merge(Path adapter, Path out, String... more) {
    String[] start = {
      "merge",
      "--model",
      TinyModel.FOLDER.toString(),
      "--adapter",
      adapter.toString(),
      "--out",
      out.toString()
    };
    return terminal.run(
        Stream.concat(Arrays.stream(start), Arrays.stream(more)).toArray(String[]::new));
  }

  @Test
  void theMergedModelIsWrittenAndTold() {
    Path out = temp.resolve("merged");
    assertEquals(0, merge(adapter(), out), terminal.err());
    assertEquals(
        """
        merged            14 linear layers
        stored as         float32
        largest rounding  none
        model             OUT
        """,
        terminal.out().replace(out.toString(), "OUT"));
    assertTrue(terminal.err().contains("Next: lorikeet generate --model " + out));

    assertEquals(0, terminal.run("score", "--model", out.toString(), "--text", "The tree sang"));
  }

  @Test
  void roundingIsTold() {
    Path out = temp.resolve("merged");
    assertEquals(0, merge(adapter(), out, "--dtype", "bfloat16", "--json"), terminal.err());
    JsonNode json = terminal.json();
    assertEquals(out.toString(), json.path("model").asString());
    assertEquals(14, json.path("modules").asInt());
    assertEquals("bfloat16", json.path("dtype").asString());
    assertTrue(json.path("largest_rounding").asDouble() > 0);
    assertTrue(json.path("largest_rounding_in").asString().endsWith(".weight"));

    assertEquals(json.path("largest_rounding").asDouble(), drift(json, "rounding_drift"));
    assertTrue(json.path("quantization_drift").isMissingNode());

    assertEquals(0, merge(adapter(), temp.resolve("again"), "--dtype", "bfloat16"));
    assertTrue(terminal.out().matches("(?s).*largest rounding +\\S+ became \\S+ in .*"));
    assertTrue(
        terminal.out().matches("(?s).*rounding drift +0\\.1\\d+ % of the norm, 0\\.1\\d+ % in .*"),
        terminal.out());
  }

  /** The largest difference that is told, after a look at the rest. */
  private static double drift(JsonNode json, String key) {
    JsonNode drift = json.path(key);
    double largest = drift.path("largest").asDouble();
    assertTrue(drift.path("mean").asDouble() > 0 && drift.path("mean").asDouble() < largest);
    assertTrue(drift.path("relative").asDouble() > 0);
    assertTrue(drift.path("worst_relative").asDouble() >= drift.path("relative").asDouble());
    assertTrue(drift.path("worst").asString().endsWith(".weight"));
    assertTrue(drift.path("largest_in").asString().endsWith(".weight"));
    return largest;
  }

  @Test
  void theDriftOfAQuantisedBaseIsTold() {
    Path out = temp.resolve("merged");
    assertEquals(0, merge(adapter(), out, "--quantization", "nf4", "--json"), terminal.err());
    assertTrue(drift(terminal.json(), "quantization_drift") > 0);
    assertTrue(terminal.json().path("rounding_drift").isMissingNode());

    assertEquals(0, merge(adapter(), temp.resolve("again"), "--quantization", "int8"));
    assertTrue(
        terminal.out().matches("(?s).*quantisation drift +\\S+ % of the norm, \\S+ % in .*"),
        terminal.out());
    assertTrue(
        terminal.out().matches("(?s).* on average, at most \\S+ in \\S+[.]weight\\n.*"),
        terminal.out());
  }

  @Test
  void mistakesAreExplained() {
    Path out = temp.resolve("merged");
    assertEquals(2, merge(adapter(), out, "--dtype", "int8"));
    assertTrue(
        terminal.err().contains("--dtype must be one of float32, bfloat16, float16, found int8"));

    assertEquals(2, merge(adapter().resolveSibling(""), out));
    assertTrue(terminal.err().contains("it is a run, whose adapter is in"), terminal.err());

    assertEquals(2, merge(adapter(), temp));
    assertTrue(terminal.err().contains("--out " + temp), terminal.err());
    assertFalse(Files.exists(out));
  }
}
