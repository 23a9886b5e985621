package dev.lorikeet.format;

import static dev.lorikeet.format.Fixtures.assertSays;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.FormatException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class HfCheckpointTest {
  private static final String ONE = "model-00001-of-00002.safetensors";
  private static final String TWO = "model-00002-of-00002.safetensors";
  private static final String INDEX = "model.safetensors.index.json";

  @TempDir private Path folder;

  @BeforeEach
  void config() {
    Fixtures.write(folder.resolve("config.json"), "{\"hidden_size\": 2}");
  }

  private FormatException refused() {
    return assertThrows(FormatException.class, () -> HfCheckpoint.open(folder).close());
  }

  private void single(Map<String, TensorData> tensors) {
    SafeTensorsWriter.write(folder.resolve("model.safetensors"), tensors, Map.of("format", "pt"));
  }

  private void shard(String name, Map<String, TensorData> tensors) {
    SafeTensorsWriter.write(folder.resolve(name), tensors, Map.of("format", "pt"));
  }

  private void index(String pairs) {
    Fixtures.write(
        folder.resolve(INDEX),
        "{\"metadata\": {\"total_size\": 1}, \"weight_map\": {" + pairs.replace('\'', '"') + "}}");
  }

  private void twoShards() {
    shard(ONE, Map.of("a", Fixtures.floats(List.of(2L), 1, 2)));
    shard(TWO, Map.of("b", Fixtures.floats(List.of(1L, 2L), 3, 4)));
  }

  @Test
  void aSingleFileIsRead() {
    TensorData half = Fixtures.data(StoredType.BF16, List.of(3L), new byte[6]);
    TensorData ids = Fixtures.data(StoredType.I64, List.of(100L), new byte[800]);
    single(Map.of("w", Fixtures.floats(List.of(2L), 1, 2), "half", half, "ids", ids));
    try (HfCheckpoint model = HfCheckpoint.open(folder)) {
      assertEquals(folder, model.directory());
      assertEquals(2, model.config().requiredInt("hidden_size"));
      assertEquals(List.of("ids", "w", "half"), List.copyOf(model.names()));
      assertTrue(model.contains("w"));
      assertFalse(model.contains("lm_head.weight"));
      assertEquals(5, model.parameterCount());
      assertEquals(StoredType.BF16, model.dtype());
      assertEquals(folder.resolve("model.safetensors"), model.fileOf("w"));
      assertEquals(6, model.bytes("half").byteSize());
      MemorySegment target = Fixtures.floatTarget(2);
      model.readFloats("w", List.of(2L), "hidden_size 2", target);
      assertArrayEquals(new float[] {1, 2}, Fixtures.toFloats(target));
    }
  }

  @Test
  void shardsAreReadAsOneModel() {
    twoShards();
    index("'b': '" + TWO + "', 'a': '" + ONE + "'");
    try (HfCheckpoint model = HfCheckpoint.open(folder)) {
      assertEquals(List.of("b", "a"), List.copyOf(model.names()));
      assertEquals(folder.resolve(ONE), model.fileOf("a"));
      assertEquals(folder.resolve(TWO), model.fileOf("b"));
      assertEquals(List.of(1L, 2L), model.entry("b").shape());
      assertEquals(4, model.parameterCount());
      MemorySegment target = Fixtures.floatTarget(2);
      model.readFloats("b", List.of(1L, 2L), "", target);
      assertArrayEquals(new float[] {3, 4}, Fixtures.toFloats(target));
    }
  }

  @Test
  void everyMissingShardIsNamedAtOnce() throws IOException {
    twoShards();
    index("'a': '" + ONE + "', 'b': '" + TWO + "', 'c': 'third.safetensors'");
    Files.delete(folder.resolve(TWO));
    assertSays(
        refused(), INDEX, "2 of 3 shards are missing: " + TWO + ", third.safetensors. Download");
  }

  @Test
  void anIndexThatListsWhatAShardLacksIsRefused() {
    twoShards();
    index("'a': '" + ONE + "', 'b': '" + TWO + "', 'c': '" + TWO + "'");
    assertSays(refused(), TWO + ", c: the index lists this tensor here, but the shard has none");
  }

  @Test
  void aShardThatHoldsWhatTheIndexOmitsIsRefused() {
    twoShards();
    shard(
        TWO,
        Map.of("b", Fixtures.floats(List.of(1L), 3), "extra", Fixtures.floats(List.of(1L), 3)));
    index("'a': '" + ONE + "', 'b': '" + TWO + "'");
    assertSays(
        refused(),
        TWO + ", extra: the shard holds this tensor, but " + INDEX + " does not list it");
  }

  @Test
  void aTensorInTwoShardsIsRefused() {
    twoShards();
    shard(TWO, Map.of("a", Fixtures.floats(List.of(1L), 3), "b", Fixtures.floats(List.of(1L), 3)));
    index("'a': '" + ONE + "', 'b': '" + TWO + "'");
    assertSays(refused(), TWO + ", a: the shard holds this tensor, but");
  }

  @Test
  void anIndexCannotLeaveTheFolder() {
    index("'a': '../secret.safetensors'");
    assertSays(
        refused(),
        INDEX
            + ", weight_map.a: expected the plain name of a shard file, found string"
            + " \"../secret.safetensors\"");
  }

  @Test
  void anIndexWithoutMapOrWithOtherValuesIsRefused() {
    Fixtures.write(folder.resolve(INDEX), "{}");
    assertSays(refused(), INDEX + ", weight_map: the key is missing");
    index("'a': 3");
    assertSays(refused(), "weight_map.a: expected a string, found number 3");
    Fixtures.write(folder.resolve(INDEX), "{\"weight_map\": {");
    assertSays(refused(), INDEX + ": is not valid JSON");
  }

  @Test
  void aDamagedShardIsNamed() {
    twoShards();
    Fixtures.write(folder.resolve(TWO), "cut");
    index("'a': '" + ONE + "', 'b': '" + TWO + "'");
    assertSays(refused(), TWO + ", byte 0: the file has 3 bytes");
  }

  @Test
  void aMissingFolderOrAFileInItsPlaceIsTheUsersMistake() {
    ConfigException missing =
        assertThrows(
            ConfigException.class, () -> HfCheckpoint.open(folder.resolve("none")).close());
    assertSays(
        missing,
        "Cannot open the model " + folder.resolve("none") + ": there is no such folder.",
        "Give the folder that holds config.json and model.safetensors.");
    ConfigException file =
        assertThrows(
            ConfigException.class, () -> HfCheckpoint.open(folder.resolve("config.json")).close());
    assertSays(file, "it is a file.");
  }

  @Test
  void missingConfigOrWeightsAreNamed() throws IOException {
    assertSays(
        refused(), "the model folder has no weights: expected model.safetensors or " + INDEX);
    Files.delete(folder.resolve("config.json"));
    assertSays(refused(), "config.json: the model folder has no config.json. Download");
  }

  @Test
  void pickledWeightsAreRefusedWithAWayOut() {
    Fixtures.write(folder.resolve("pytorch_model.bin"), "pickle");
    assertSays(refused(), "pytorch_model.bin", "safetensors is needed", "save_pretrained(");
  }

  @Test
  void quantisedModelsAreRefusedByMethod() {
    single(Map.of("w", Fixtures.floats(List.of(1L), 1)));
    Fixtures.write(
        folder.resolve("config.json"),
        "{\"quantization_config\": {\"quant_method\": \"gptq\", \"bits\": 4}}");
    assertSays(
        refused(),
        "config.json, quantization_config: the weights are quantised (gptq), which is not"
            + " supported; bitsandbytes is.");
  }

  @Test
  void aShapeThatContradictsTheConfigNamesTheKeysThatImplyIt() {
    single(
        Map.of("model.layers.0.self_attn.q_proj.weight", Fixtures.floats(List.of(1L, 2L), 1, 2)));
    try (HfCheckpoint model = HfCheckpoint.open(folder)) {
      String name = "model.layers.0.self_attn.q_proj.weight";
      MemorySegment target = Fixtures.floatTarget(4);
      FormatException failure =
          assertThrows(
              FormatException.class,
              () ->
                  model.readFloats(
                      name, List.of(2L, 2L), "num_attention_heads 2 × head_dim 1", target));
      assertEquals(
          folder.resolve("model.safetensors")
              + ", "
              + name
              + ": shape [1, 2], but config.json implies [2, 2] (num_attention_heads 2 × head_dim"
              + " 1). Weights and config come from different revisions; download both again from"
              + " one revision.",
          failure.getMessage());
    }
  }

  @Test
  void anAbsentTensorNamesTheKeysThatImplyIt() {
    single(Map.of("a", Fixtures.floats(List.of(1L), 1)));
    try (HfCheckpoint model = HfCheckpoint.open(folder)) {
      MemorySegment target = Fixtures.floatTarget(2);
      assertSays(
          assertThrows(
              FormatException.class,
              () -> model.readFloats("gone", List.of(2L), "hidden_size 2", target)),
          "gone: the weights hold no such tensor, but config.json implies one of shape [2]"
              + " (hidden_size 2).");
      assertSays(
          assertThrows(FormatException.class, () -> model.entry("gone")),
          "gone: the weights hold no such tensor");
    }
  }

  @Test
  void aRealModelOpens() {
    Path stories = Fixtures.sharedData("models/stories260K");
    try (HfCheckpoint model = HfCheckpoint.open(stories)) {
      assertEquals("llama", model.config().requiredString("model_type"));
      assertTrue(model.config().optBoolean("tie_word_embeddings", false));
      assertFalse(model.contains("lm_head.weight"));
      assertEquals(StoredType.F32, model.dtype());
      // 512·64 embedding, 5 layers of q, k, v, o, gate, up, down and two norms, the last norm.
      long layer = 64 * 64 * 2 + 64 * 32 * 2 + 3 * 64 * 172 + 2 * 64;
      assertEquals(512 * 64 + 5 * layer + 64, model.parameterCount());
      MemorySegment target = Fixtures.floatTarget(64 * 172);
      model.readFloats(
          "model.layers.4.mlp.up_proj.weight", List.of(172L, 64L), "intermediate_size 172", target);
      double sumOfSquares = 0;
      for (float value : Fixtures.toFloats(target)) {
        sumOfSquares += (double) value * value;
      }
      assertTrue(sumOfSquares > 1 && sumOfSquares < 1e5, "sum of squares " + sumOfSquares);
    }
  }
}
