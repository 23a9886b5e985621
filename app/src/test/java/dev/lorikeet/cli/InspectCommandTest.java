package dev.lorikeet.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

class InspectCommandTest {
  @TempDir Path temp;
  private final Terminal terminal = new Terminal();

  @Test
  void peopleSeeWhatTheModelIs() {
    assertEquals(0, terminal.run("inspect", TinyModel.FOLDER.toString()), terminal.err());

    assertEquals(
        """
        model          DIR
        architecture   llama
        parameters     24,736, stored as F32
        in memory      96.6 KiB
        layers         2 of hidden size 32
        attention      2 heads and 1 key-value heads of 16
        context        256 tokens
        embedding      288 rows
        output head    tied to the embedding
        tokenizer      288 tokens, BPE from tokenizer.json
        begins with    <s> (0)
        ends with      </s> (1)
        puts in front  <s> (0)

        Parameters
          module                    count  weight     parameters
          embed_tokens                  1  [288, 32]       9,216
          input_layernorm               2  [32]               64
          q_proj                        2  [32, 32]        2,048
          k_proj                        2  [16, 32]        1,024
          v_proj                        2  [16, 32]        1,024
          o_proj                        2  [32, 32]        2,048
          post_attention_layernorm      2  [32]               64
          gate_proj                     2  [48, 32]        3,072
          up_proj                       2  [48, 32]        3,072
          down_proj                     2  [32, 48]        3,072
          norm                          1  [32]               32
          each layer                                       7,744
        """,
        terminal
            .out()
            .replace(TinyModel.FOLDER.toString(), "DIR")
            .replaceFirst("(?s)\nTraining would change.*", ""));
    assertTrue(
        terminal.out().contains("  lora       r 8 on q_proj, v_proj       1,792  6.76 %\n"),
        terminal.out());
    // 2 layers · (32 + 16) rows of q and v, each with a magnitude.
    assertTrue(
        terminal.out().contains("  dora       r 8 on q_proj, v_proj       1,888  7.09 %\n"),
        terminal.out());
    assertTrue(terminal.out().contains("  model.safetensors"), terminal.out());
    assertEquals("", terminal.err());
  }

  @Test
  void aQuantisedBaseTakesLessMemory() {
    String folder = TinyModel.FOLDER.toString();
    assertEquals(0, terminal.run("inspect", folder, "--json"), terminal.err());
    long plain = terminal.json().path("weight_bytes").asLong();
    assertEquals(4 * terminal.json().path("parameters").path("total").asLong(), plain);

    assertEquals(0, terminal.run("inspect", folder, "--json", "--quantization", "nf4"));
    long maps = 15_360;
    long codes = maps / 2;
    long scales = maps / 64;
    long scalesOfScales = 4 * 14;
    assertEquals(
        plain - 4 * maps + codes + scales + scalesOfScales,
        terminal.json().path("weight_bytes").asLong());
    assertEquals(24_736, terminal.json().path("parameters").path("total").asLong());
  }

  @Test
  void theDocumentHoldsTheSame() {
    assertEquals(0, terminal.run("inspect", TinyModel.FOLDER.toString(), "--json"));

    JsonNode json = terminal.json();
    assertEquals(24_736, json.path("parameters").path("total").asInt());
    assertEquals(Terminal.json("[7744, 7744]"), json.path("parameters").path("per_layer"));
    assertEquals(
        Terminal.json(
            "{'name': 'q_proj', 'modules': 2, 'weight_shape': [32, 32], 'parameters': 2048}"),
        json.path("parameters").path("per_module").path(2));
    assertEquals(
        Terminal.json(
            "{'vocabulary_size': 288, 'algorithm': 'BPE', 'read_from': 'tokenizer.json', 'bos': {'id': 0, 'text': '<s>'},"
                + " 'eos': {'id': 1, 'text': '</s>'}, 'prefix': [{'id': 0, 'text': '<s>'}]}"),
        json.path("tokenizer"));
    assertEquals(
        Terminal.json(
            "{'technique': 'full', 'setting': 'all weights', 'trainable_parameters': 24736,"
                + " 'total_parameters': 24736}"),
        json.path("techniques").path(4));
    assertTrue(json.path("tied_head").asBoolean());
    assertEquals("F32", json.path("dtype").asString());
    assertEquals(5, json.path("files").size());
    assertEquals(Terminal.json("[]"), json.path("warnings"));
  }

  @Test
  void idsBeyondTheEmbeddingAreAWarning() {
    Path model = TinyModel.copy(temp);
    TinyModel.addToken(model);

    assertEquals(0, terminal.run("inspect", model.toString()), terminal.err());

    assertTrue(
        terminal
            .err()
            .startsWith(
                "warning: tokenizer "
                    + model.resolve("tokenizer.json")
                    + " has ids up to 288, but the embedding has 288 rows (ids 0 to 287)."),
        terminal.err());
  }

  @Test
  void whatIsNoModelIsRefused() {
    assertEquals(2, terminal.run("inspect", temp.resolve("none").toString()));
    assertTrue(terminal.err().contains("there is no such folder"), terminal.err());
    assertEquals(2, terminal.run("inspect", temp.toString()));
    assertTrue(terminal.err().contains("the model folder has no config.json"), terminal.err());

    Path model = TinyModel.copy(temp);
    TinyModel.replace(
        model.resolve("config.json"), "\"model_type\": \"llama\"", "\"model_type\": \"bert\"");
    assertEquals(2, terminal.run("inspect", model.toString()));
    assertTrue(
        terminal.err().contains("model_type: expected one of [llama, mistral, "), terminal.err());
  }
}
