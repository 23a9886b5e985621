package dev.lorikeet.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.FormatException;
import dev.lorikeet.fixture.Fixture;
import dev.lorikeet.format.HfCheckpoint;
import dev.lorikeet.format.JsonConfig;
import dev.lorikeet.job.Inspection.Head;
import dev.lorikeet.job.Inspection.Kind;
import dev.lorikeet.job.Inspection.Shape;
import dev.lorikeet.job.Inspection.TechniqueCount;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class InspectionTest {
  /** The sizes of Llama 2 7B. */
  private static final String LLAMA_2_7B =
      """
      {"model_type": "llama", "hidden_size": 4096, "intermediate_size": 11008,
       "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 32,
       "vocab_size": 32000, "max_position_embeddings": 4096, "rms_norm_eps": 1e-5,
       "tie_word_embeddings": false}
      """;

  @TempDir private Path temp;

  private static Path model(String name) {
    return Fixture.ROOT.resolve("llama/" + name + "/model");
  }

  private static Inspection inspect(Path folder) {
    return Inspection.of(folder.toString());
  }

  private Path config(String json) throws IOException {
    return Files.writeString(temp.resolve("config.json"), json);
  }

  @Test
  void aModelOfSevenBillionIsCountedWithoutItsWeights() throws IOException {
    Inspection found = Inspection.of(JsonConfig.read(config(LLAMA_2_7B)));

    long total = 6_738_415_616L;
    assertEquals(total, found.parameters().total());
    assertEquals(Collections.nCopies(32, 202_383_360L), found.parameters().perLayer());
    // 32 layers · r 8 · (in + out) of q, k, v, o: 4 · 8192; gate, up, down: 3 · 15104.
    long all = 32L * 8 * (4 * 8192 + 3 * 15_104);
    long rows = 32L * (4 * 4096 + 2 * 11_008 + 4096);
    assertEquals(
        List.of(
            new TechniqueCount("lora", "r 8 on all-linear", all, total + all),
            new TechniqueCount("lora", "r 8 on q_proj, v_proj", 4_194_304, total + 4_194_304),
            // And a magnitude for each of the rows of these weights.
            new TechniqueCount("dora", "r 8 on all-linear", all + rows, total + all + rows),
            new TechniqueCount(
                "dora",
                "r 8 on q_proj, v_proj",
                4_194_304 + 32 * 8192,
                total + 4_194_304 + 32 * 8192),
            new TechniqueCount("full", "all weights", total, total)),
        found.techniques());
    assertEquals(new Shape(4096, 32_000, 4096, 32, 32, 32, 128, Head.OWN), found.shape());
    assertEquals(List.of(), found.warnings());
  }

  @Test
  void modulesAreCountedByKindInTheOrderOfTheModel() {
    Inspection found = inspect(model("tied-gqa"));

    assertEquals(
        List.of(
            new Kind("embed_tokens", 1, List.of(331L, 64L), 331 * 64),
            new Kind("input_layernorm", 3, List.of(64L), 3 * 64),
            new Kind("q_proj", 3, List.of(64L, 64L), 3 * 64 * 64),
            new Kind("k_proj", 3, List.of(32L, 64L), 3 * 32 * 64),
            new Kind("v_proj", 3, List.of(32L, 64L), 3 * 32 * 64),
            new Kind("o_proj", 3, List.of(64L, 64L), 3 * 64 * 64),
            new Kind("post_attention_layernorm", 3, List.of(64L), 3 * 64),
            new Kind("gate_proj", 3, List.of(172L, 64L), 3 * 172 * 64),
            new Kind("up_proj", 3, List.of(172L, 64L), 3 * 172 * 64),
            new Kind("down_proj", 3, List.of(64L, 172L), 3 * 172 * 64),
            new Kind("norm", 1, List.of(64L), 64)),
        found.parameters().kinds());
    assertEquals(
        found.parameters().total(),
        found.parameters().kinds().stream().mapToLong(Kind::parameters).sum());
    assertEquals(Head.TIED, found.shape().head());
    assertEquals(Optional.of("F32"), found.storedType());
  }

  @Test
  void biasesCountWithTheirModule() {
    Kind query = inspect(model("mha-bias")).parameters().kinds().get(2);

    assertEquals(new Kind("q_proj", 2, List.of(32L, 32L), 2 * (32 * 32 + 32)), query);
  }

  /** The stored weights are counted by another piece of code, from the files' headers. */
  @ParameterizedTest
  @ValueSource(strings = {"tied-gqa-sharded", "untied-odd", "mha-bias", "llama3-rope"})
  void theModelsCodeCountsWhatTheFilesHold(String name) {
    try (HfCheckpoint files = HfCheckpoint.open(model(name))) {
      assertEquals(files.parameterCount(), inspect(model(name)).parameters().total());
    }
  }

  @Test
  void aMissingTokenizerIsAWarning() {
    Inspection found = inspect(model("untied-odd"));

    assertEquals(Optional.empty(), found.tokenizer());
    assertEquals(1, found.warnings().size(), found.warnings().toString());
    assertTrue(found.warnings().getFirst().contains("tokenizer.json: does not exist"));
  }

  @Test
  void missingWeightsAreAWarningAndTheConfigStillCounts() throws IOException {
    config(LLAMA_2_7B);

    Inspection found = inspect(temp);

    assertEquals(6_738_415_616L, found.parameters().total());
    assertEquals(Optional.empty(), found.storedType());
    assertTrue(
        found.warnings().getFirst().contains("the model folder has no weights"),
        found.warnings().toString());
  }

  @Test
  void weightsOfAnotherShapeAreAWarning() throws IOException {
    Path source = model("tied-gqa");
    Files.copy(source.resolve("model.safetensors"), temp.resolve("model.safetensors"));
    config(
        Files.readString(source.resolve("config.json"))
            .replace("\"intermediate_size\": 172", "\"intermediate_size\": 173"));

    String warning = inspect(temp).warnings().getFirst();
    assertTrue(
        warning.startsWith(
            "the weights do not fit config.json in 9 of 29 tensors"
                + " (model.layers.0.mlp.gate_proj.weight is [172, 64], not [173, 64], "),
        warning);
    assertTrue(warning.contains("model.layers.2.mlp.down_proj.weight is [64, 172]"), warning);
    assertTrue(
        warning.endsWith("), so the model cannot be used; download both again from one revision."),
        warning);
  }

  @Test
  void damagedOrQuantisedModelsAreRefused() throws IOException {
    config(LLAMA_2_7B.replace("\"model_type\"", "\"quantization_config\": {}, \"model_type\""));
    FormatException quantised = assertThrows(FormatException.class, () -> inspect(temp));
    assertTrue(String.valueOf(quantised.getMessage()).contains("quantised"));

    config(LLAMA_2_7B);
    Files.writeString(temp.resolve("model.safetensors"), "not a header");
    assertThrows(FormatException.class, () -> inspect(temp));
    assertThrows(ConfigException.class, () -> inspect(temp.resolve("nowhere")));
  }

  @Test
  void aRankThatDoesNotFitIsAWarning() throws IOException {
    config(
        LLAMA_2_7B
            .replace("\"num_key_value_heads\": 32", "\"num_key_value_heads\": 1")
            .replace("\"vocab_size\"", "\"head_dim\": 2, \"vocab_size\""));

    Inspection found = inspect(temp);

    assertEquals(
        List.of("full"), found.techniques().stream().map(TechniqueCount::technique).toList());
    assertTrue(
        found.warnings().stream()
            .anyMatch(text -> text.contains("k_proj allows: [2, 4096] has at most rank 2")),
        found.warnings().toString());
  }
}
