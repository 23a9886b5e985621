package dev.lorikeet.format;

import static dev.lorikeet.format.Fixtures.assertSays;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.FormatException;
import dev.lorikeet.error.RunException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class PeftAdapterTest {
  private static final String Q = "base_model.model.model.layers.0.self_attn.q_proj";

  @TempDir private Path folder;

  private static PeftAdapterConfig config(int rank) {
    return PeftAdapterConfig.lora(rank, 16, 0, new TargetModules.Names(List.of("q_proj")), "base");
  }

  /** An adapter folder of rank 2 with the given tensors. */
  private void adapter(Map<String, TensorData> tensors) {
    AtomicFile.writeString(folder.resolve("adapter_config.json"), config(2).toJson());
    SafeTensorsWriter.write(
        folder.resolve("adapter_model.safetensors"), tensors, Map.of("format", "pt"));
  }

  private FormatException refused() {
    return assertThrows(FormatException.class, () -> PeftAdapter.read(folder));
  }

  private static TensorData zeros(Long... shape) {
    List<Long> extents = List.of(shape);
    return Fixtures.floats(extents, new float[(int) TensorEntry.elements(extents)]);
  }

  @Test
  void adaptersComeBackAsTheyWere() {
    long seed = System.nanoTime();
    SplittableRandom random = new SplittableRandom(seed);
    for (int round = 0; round < 20; round++) {
      int rank = random.nextInt(1, 9);
      Map<String, LoraPair> modules = new LinkedHashMap<>();
      for (int i = random.nextInt(1, 6); i > 0; i--) {
        long in = random.nextInt(1, 40);
        long out = random.nextInt(1, 40);
        modules.put(
            "model.layers." + i + ".mlp.up_proj",
            new LoraPair(matrix(random, rank, in), matrix(random, out, rank)));
      }
      Path dir = folder.resolve("nested/run-" + round);
      PeftAdapter.write(dir, config(rank), modules);
      assertEquals(
          List.of("adapter_config.json", "adapter_model.safetensors"), Fixtures.names(dir));
      PeftAdapter read = PeftAdapter.read(dir);
      String what = "seed " + seed + ", round " + round;
      assertEquals(config(rank), read.config(), what);
      assertEquals(modules.keySet(), read.modules().keySet(), what);
      read.modules()
          .forEach((name, pair) -> {
            LoraPair written = modules.getOrDefault(name, pair);
            assertEquals(written.a().shape(), pair.a().shape(), what);
            assertArrayEquals(written.a().toArray(), pair.a().toArray(), what);
            assertArrayEquals(written.b().toArray(), pair.b().toArray(), what);
            assertEquals(rank, pair.rank(), what);
          });
    }
  }

  private static FloatTensor matrix(SplittableRandom random, long rows, long columns) {
    float[] values = new float[(int) (rows * columns)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextDouble(-1, 1);
    }
    return FloatTensor.of(List.of(rows, columns), values);
  }

  @Test
  void theKeysOnDiskArePefts() {
    SplittableRandom random = new SplittableRandom(1);
    LoraPair pair = new LoraPair(matrix(random, 2, 3), matrix(random, 5, 2));
    PeftAdapter.write(folder, config(2), Map.of("lm_head", pair));
    try (SafeTensors file = SafeTensors.open(folder.resolve("adapter_model.safetensors"))) {
      assertEquals(
          Set.of(
              "base_model.model.lm_head.lora_A.weight", "base_model.model.lm_head.lora_B.weight"),
          file.entries().keySet());
      assertEquals(List.of(5L, 2L), file.entry("base_model.model.lm_head.lora_B.weight").shape());
      assertEquals(Map.of("format", "pt"), file.metadata());
    }
  }

  @Test
  void bfloat16MatricesBecomeFloat32() {
    MemorySegment bits = MemorySegment.ofArray(new byte[12]);
    Floats.encode(
        StoredType.BF16,
        FloatTensor.of(List.of(6L), new float[] {1, 2, 3, -4, 0.5f, 0.25f}).floats(),
        bits);
    adapter(
        Map.of(
            Q + ".lora_A.weight",
            new TensorData(StoredType.BF16, List.of(2L, 3L), bits),
            Q + ".lora_B.weight",
            zeros(1L, 2L)));
    LoraPair pair = PeftAdapter.read(folder).modules().values().iterator().next();
    assertArrayEquals(new float[] {1, 2, 3, -4, 0.5f, 0.25f}, pair.a().toArray());
  }

  @Test
  void aMatrixWithoutItsPartnerIsRefused() {
    adapter(Map.of(Q + ".lora_A.weight", zeros(2L, 3L)));
    assertSays(refused(), Q + ".lora_A.weight: comes without its partner " + Q + ".lora_B.weight.");
    adapter(Map.of(Q + ".lora_B.weight", zeros(3L, 2L)));
    assertSays(refused(), Q + ".lora_B.weight: comes without its partner " + Q + ".lora_A.weight.");
  }

  @Test
  void aRankThatContradictsTheConfigIsRefused() {
    adapter(Map.of(Q + ".lora_A.weight", zeros(4L, 3L), Q + ".lora_B.weight", zeros(5L, 2L)));
    assertSays(
        refused(),
        Q + ".lora_A.weight: shape [4, 3], but adapter_config.json implies [2, in] (r 2).");
    adapter(Map.of(Q + ".lora_A.weight", zeros(2L, 3L), Q + ".lora_B.weight", zeros(5L, 4L)));
    assertSays(
        refused(),
        Q + ".lora_B.weight: shape [5, 4], but adapter_config.json implies [out, 2] (r 2).");
    adapter(Map.of(Q + ".lora_A.weight", zeros(2L), Q + ".lora_B.weight", zeros(5L, 2L)));
    assertSays(refused(), Q + ".lora_A.weight: shape [2], but");
  }

  @Test
  void otherKeysAreRefusedByName() {
    for (String key :
        List.of(
            Q + ".lora_magnitude_vector",
            Q + ".lora_A.default.weight",
            "base_model.model.model.embed_tokens.lora_embedding_C",
            "base_model.model.lm_head.weight",
            "base_model.model.lm_head.base_layer.weight",
            "model.layers.0.self_attn.q_proj.lora_A.weight")) {
      adapter(
          Map.of(
              Q + ".lora_A.weight",
              zeros(2L, 3L),
              Q + ".lora_B.weight",
              zeros(5L, 2L),
              key,
              zeros(2L, 3L)));
      assertSays(refused(), key + ": is not a key of a plain LoRA adapter");
    }
  }

  private void dora(Map<String, TensorData> tensors) {
    adapter(tensors);
    AtomicFile.writeString(folder.resolve("adapter_config.json"), config(2).decomposed().toJson());
  }

  @Test
  void magnitudesComeBackUnderPeftsKey() {
    SplittableRandom random = new SplittableRandom(2);
    FloatTensor magnitude = FloatTensor.of(List.of(5L), new float[] {1, 2, 3, 4, 5});
    LoraPair pair =
        new LoraPair(matrix(random, 2, 3), matrix(random, 5, 2), Optional.of(magnitude));
    PeftAdapter.write(folder, config(2).decomposed(), Map.of("lm_head", pair));
    try (SafeTensors file = SafeTensors.open(folder.resolve("adapter_model.safetensors"))) {
      assertEquals(
          List.of(5L), file.entry("base_model.model.lm_head.lora_magnitude_vector").shape());
      assertEquals(3, file.entries().size());
    }
    PeftAdapter read = PeftAdapter.read(folder);
    assertEquals(config(2).decomposed(), read.config());
    LoraPair back = read.modules().values().iterator().next();
    assertArrayEquals(magnitude.toArray(), back.magnitude().orElseThrow().toArray());
  }

  @Test
  void magnitudesThatDoNotFitAreRefused() {
    TensorData a = zeros(2L, 3L);
    TensorData b = zeros(5L, 2L);
    dora(Map.of(Q + ".lora_A.weight", a, Q + ".lora_B.weight", b));
    assertSays(
        refused(),
        Q + ".lora_A.weight: comes without its partner " + Q + ".lora_magnitude_vector.");
    dora(Map.of(Q + ".lora_magnitude_vector", zeros(5L)));
    assertSays(
        refused(),
        Q + ".lora_magnitude_vector: comes without its partner " + Q + ".lora_A.weight.");
    dora(
        Map.of(
            Q + ".lora_A.weight",
            a,
            Q + ".lora_B.weight",
            b,
            Q + ".lora_magnitude_vector",
            zeros(1L, 5L)));
    assertSays(
        refused(),
        Q
            + ".lora_magnitude_vector: shape [1, 5], but "
            + Q
            + ".lora_B.weight implies [5]. Download or save the adapter again.");
  }

  @Test
  void embeddingsSavedModulesAndBaseWeightsHaveTheirOwnPlaces() {
    String json =
        config(2)
            .toJson()
            .replace("\"modules_to_save\" : null", "\"modules_to_save\" : [ \"norm\" ]")
            .replace("\"rank_pattern\" : { }", "\"rank_pattern\" : { \"embed_tokens\" : 3 }");
    AtomicFile.writeString(folder.resolve("adapter_config.json"), json);
    String embedding = "base_model.model.model.embed_tokens.";
    SafeTensorsWriter.write(
        folder.resolve("adapter_model.safetensors"),
        Map.of(
            Q + ".lora_A.weight",
            zeros(2L, 3L),
            Q + ".lora_B.weight",
            zeros(5L, 2L),
            embedding + "lora_embedding_A",
            zeros(3L, 7L),
            embedding + "lora_embedding_B",
            zeros(4L, 3L),
            embedding + "base_layer.weight",
            zeros(7L, 4L),
            "base_model.model.model.layers.0.input_layernorm.weight",
            zeros(4L)),
        Map.of());
    PeftAdapter read = PeftAdapter.read(folder);
    assertEquals(Set.of("model.layers.0.self_attn.q_proj"), read.modules().keySet());
    assertEquals(Set.of("model.embed_tokens"), read.embeddings().keySet());
    assertEquals(Set.of("model.layers.0.input_layernorm.weight"), read.saved().keySet());
    assertEquals(Set.of("model.embed_tokens.weight"), read.baseWeights().keySet());
    Path again = folder.resolve("again");
    read.write(again);
    PeftAdapter second = PeftAdapter.read(again);
    assertEquals(read.config(), second.config());
    assertEquals(read.embeddings().keySet(), second.embeddings().keySet());
    assertEquals(read.saved().keySet(), second.saved().keySet());
    assertEquals(Set.of(), second.baseWeights().keySet());
  }

  @Test
  void integerMatricesAreRefused() {
    adapter(
        Map.of(
            Q + ".lora_A.weight",
            Fixtures.data(StoredType.I8, List.of(2L, 1L), new byte[2]),
            Q + ".lora_B.weight",
            zeros(1L, 2L)));
    assertSays(refused(), Q + ".lora_A.weight: holds I8, but floating-point numbers");
  }

  @Test
  void anEmptyAdapterIsRefused() {
    adapter(Map.of());
    assertSays(refused(), "adapter_model.safetensors: the file holds no LoRA matrices");
  }

  @Test
  void missingFoldersAndFilesAreNamed() throws IOException {
    Path none = folder.resolve("none");
    assertSays(
        assertThrows(ConfigException.class, () -> PeftAdapter.read(none)),
        "Cannot load an adapter from " + none + ": there is no such folder.");
    assertSays(refused(), "adapter_config.json: cannot be read: the file does not exist");
    adapter(Map.of());
    Files.delete(folder.resolve("adapter_model.safetensors"));
    assertSays(refused(), "adapter_model.safetensors: cannot be read: the file does not exist");
    Fixtures.write(folder.resolve("adapter_model.bin"), "pickle");
    assertSays(refused(), "adapter_model.bin is a pickle", "safe_serialization=True");
  }

  @Test
  void aFolderThatCannotBeMadeIsNamed() {
    Path file = Fixtures.write(folder.resolve("file"), "x");
    assertSays(
        assertThrows(
            RunException.class,
            () -> PeftAdapter.write(file.resolve("adapter"), config(2), Map.of())),
        "Could not create the adapter folder " + file.resolve("adapter"));
  }

  @Test
  void matricesThatDoNotFitAreDefectsOfTheCaller() {
    SplittableRandom random = new SplittableRandom(1);
    FloatTensor a = matrix(random, 2, 3);
    FloatTensor b = matrix(random, 5, 4);
    assertThrows(IllegalStateException.class, () -> new LoraPair(a, b));
    assertThrows(IllegalStateException.class, () -> FloatTensor.of(List.of(2L, 2L), new float[3]));
  }
}
