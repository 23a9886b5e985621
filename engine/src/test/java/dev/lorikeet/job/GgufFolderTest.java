package dev.lorikeet.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.config.ModelSettings.Dtype;
import dev.lorikeet.config.ModelSettings.Quantization;
import dev.lorikeet.config.RunConfig;
import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.FormatException;
import dev.lorikeet.fixture.Checkpoints;
import dev.lorikeet.fixture.Close;
import dev.lorikeet.fixture.FamilyFixture;
import dev.lorikeet.fixture.FamilyFixture.ConfigForm;
import dev.lorikeet.fixture.Fixture;
import dev.lorikeet.format.Gguf;
import dev.lorikeet.format.GgufTensor;
import dev.lorikeet.format.HfCheckpoint;
import dev.lorikeet.format.TensorEntry;
import dev.lorikeet.model.Architecture;
import dev.lorikeet.model.Architecture.Blueprint;
import dev.lorikeet.model.CausalLm;
import dev.lorikeet.quant.QuantizationScheme;
import dev.lorikeet.quant.QuantizationScheme.OtherFormats;
import dev.lorikeet.quant.QuantizationScheme.Scales;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** A model out of a GGUF file computes what its checkpoint does; {@code reference/make_gguf.py}. */
@Tag("reference")
final class GgufFolderTest {
  private static final Path FILES = Fixture.ROOT.resolve("gguf");

  /** Weights are the same float32 but Gemma's norms, which are rounded once more. */
  private static final double TOLERANCE = 1e-5;

  /** The sum over tiles has another order than the one over a whole matrix. */
  private static final double BLOCK_TOLERANCE = 1e-5;

  /** What GGUF does not say and llama.cpp assumes, so that the checkpoint has to say the same. */
  private static final Map<String, String> ASSUMED =
      Map.of(
          "llama-llama3",
              "{\"rope_parameters\": {\"rope_type\": \"llama3\", \"rope_theta\": 500000, \"factor\": 8,"
                  + " \"low_freq_factor\": 1, \"high_freq_factor\": 4,"
                  + " \"original_max_position_embeddings\": 8192}}",
          "gemma2", "{\"query_pre_attn_scalar\": 10}",
          "gemma3_text",
              "{\"query_pre_attn_scalar\": 10, \"rope_local_base_freq\": 10000, \"rope_theta\": 2000,"
                  + " \"sliding_window_pattern\": 6, \"layer_types\": null, \"rope_parameters\": null}");

  @TempDir private Path folder;

  static List<String> variants() {
    try (Stream<Path> files = Files.list(FILES)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.endsWith(".gguf"))
          .map(name -> name.substring(0, name.length() - ".gguf".length()))
          .filter(FamilyFixture.variants()::contains)
          .sorted()
          .toList();
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  @Test
  void everyFamilyHasAFile() {
    assertTrue(variants().size() >= 24, variants().toString());
  }

  @ParameterizedTest
  @MethodSource("variants")
  void logitsAreThoseOfTheCheckpoint(String variant) throws IOException {
    FamilyFixture fixture = new FamilyFixture(variant);
    Path model = Files.createDirectories(folder.resolve("model"));
    fixture.writeCheckpoint(model, ConfigForm.CURRENT);
    assume(variant, model.resolve("config.json"));
    Path gguf = GgufFolder.directory(FILES.resolve(variant + ".gguf"), folder.resolve("cache"));
    assertFits(gguf);
    try (Device device = Device.cpu(2);
        CausalLm expected = open(model, Dtype.AUTO, device);
        CausalLm actual = open(gguf, Dtype.AUTO, device)) {
      for (int i = 0; i < 4; i++) {
        int[] tokens = fixture.tokens(i);
        Close.assertRelative(
            Checkpoints.logits(expected, device, tokens),
            Checkpoints.logits(actual, device, tokens),
            TOLERANCE,
            variant + " sequence " + i);
      }
    }
  }

  private static void assume(String variant, Path config) {
    String assumed = ASSUMED.get(variant);
    if (assumed != null) {
      ObjectNode json = (ObjectNode) JsonMapper.shared().readTree(config.toFile());
      JsonMapper.shared()
          .readTree(assumed)
          .properties()
          .forEach(entry -> {
            if (entry.getValue().isNull()) {
              json.remove(entry.getKey());
            } else {
              json.set(entry.getKey(), entry.getValue());
            }
          });
      JsonMapper.shared().writeValue(config.toFile(), json);
    }
  }

  private static void assertFits(Path directory) {
    try (HfCheckpoint files = HfCheckpoint.open(directory)) {
      Blueprint blueprint = Architecture.of(files.config());
      TensorFit fit = TensorFit.of(files.seenBy(blueprint), blueprint);
      assertEquals(List.of(), fit.unfit());
      assertEquals(Optional.empty(), fit.surplusNotice());
    }
  }

  private static CausalLm open(Path directory, Dtype dtype, Device device) {
    return LoadedModel.model(
        directory,
        Training.FROZEN,
        Optional.empty(),
        new LoadedModel.BaseFormat(dtype, QuantizationScheme.none()),
        Optional.empty(),
        device);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "gpt_neox-q8_0",
        "phi-q4_0",
        "llama-q8_0",
        "llama-q4_0",
        "llama-q4_k",
        "llama-q6_k"
      })
  void keptBlocksComputeWhatTheirNumbersDo(String name) {
    Path gguf = GgufFolder.directory(FILES.resolve(name + ".gguf"), folder);
    int[] tokens = {1, 5, 9, 30, 2, 17, 4};
    try (Device device = Device.cpu(2);
        CausalLm kept = open(gguf, Dtype.AUTO, device);
        CausalLm numbers = open(gguf, Dtype.FLOAT32, device)) {
      assertTrue(kept.quantisedMaps().size() >= 4, "maps " + kept.quantisedMaps().size());
      assertEquals(0, numbers.quantisedMaps().size());
      assertTrue(kept.weightBytes() < numbers.weightBytes());
      Close.assertRelative(
          Checkpoints.logits(numbers, device, tokens),
          Checkpoints.logits(kept, device, tokens),
          BLOCK_TOLERANCE,
          name);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama-q8_0", "llama-q4_0", "llama-q4_k", "llama-q6_k"})
  void everyTensorStandsForTheNumbersOfThePythonPackage(String name) throws Exception {
    Path gguf = GgufFolder.directory(FILES.resolve(name + ".gguf"), folder);
    JsonNode hashes = JsonMapper.shared().readTree(FILES.resolve(name + ".json").toFile());
    int blocked = 0;
    try (HfCheckpoint files = HfCheckpoint.open(gguf);
        Arena arena = Arena.ofConfined()) {
      assertEquals(hashes.size(), files.names().size());
      for (Map.Entry<String, JsonNode> expected : hashes.properties()) {
        String tensor = expected.getKey();
        TensorEntry entry = files.entry(tensor);
        MemorySegment floats = arena.allocate(Float.BYTES * entry.elements());
        files.readFloats(tensor, entry.shape(), "the file", floats);
        byte[] bytes = floats.toArray(ValueLayout.JAVA_BYTE);
        byte[] hash = MessageDigest.getInstance("SHA-256").digest(bytes);
        assertEquals(expected.getValue().asString(), HexFormat.of().formatHex(hash), tensor);
        blocked += files.blockType(tensor, entry.shape(), "the file").isPresent() ? 1 : 0;
      }
    }
    assertTrue(blocked >= 6, "tensors in blocks " + blocked);
  }

  @Test
  void theFolderTellsTheTokensThatEndAText() throws IOException {
    Path gguf = GgufFolder.directory(FILES.resolve("llama-q4_k.gguf"), folder);
    JsonNode generation =
        JsonMapper.shared().readTree(gguf.resolve("generation_config.json").toFile());
    assertEquals("[321]", generation.path("eos_token_id").toString());
    assertTrue(Files.exists(gguf.resolve("chat_template.jinja")));
  }

  @Test
  void aChangedFileGetsAnotherFolderAndAMissingOneIsSaid() throws IOException {
    Path file = Files.copy(FILES.resolve("llama.gguf"), folder.resolve("model.gguf"));
    Path cache = folder.resolve("cache");
    Path first = GgufFolder.directory(file, cache);
    assertEquals(first, GgufFolder.directory(file, cache));
    Files.setLastModifiedTime(file, FileTime.fromMillis(1_000_000));
    assertNotEquals(first, GgufFolder.directory(file, cache));
    Files.delete(file);
    String message =
        String.valueOf(
            assertThrows(FormatException.class, () -> HfCheckpoint.open(first).close())
                .getMessage());
    assertTrue(message.contains("is not there or has another size"), message);
  }

  @Test
  void aFolderWithItsOwnConfigReadsTheWeightsOfItsGgufFile() throws IOException {
    Path one = Files.createDirectories(folder.resolve("one"));
    Files.copy(FILES.resolve("llama.gguf"), one.resolve("weights.gguf"));
    Path made = GgufFolder.directory(one.resolve("weights.gguf"), folder.resolve("cache"));
    Files.copy(made.resolve("config.json"), one.resolve("config.json"));
    assertEquals(Optional.empty(), GgufFolder.in(one));
    assertFits(one);
  }

  @Test
  void frequenciesThatAreNotLlama3sAreRefused() throws IOException {
    Path file = folder.resolve("model.gguf");
    byte[] bytes = Files.readAllBytes(FILES.resolve("llama-llama3.gguf"));
    try (Gguf whole = Gguf.open(FILES.resolve("llama-llama3.gguf"))) {
      GgufTensor divisors =
          Optional.ofNullable(whole.tensors().get("rope_freqs.weight")).orElseThrow();
      int at = Math.toIntExact(divisors.begin());
      bytes[at + 3] = 0x41; // the first divisor becomes 8 or more
    }
    Files.write(file, bytes);
    String message =
        String.valueOf(
            assertThrows(FormatException.class, () -> GgufFolder.directory(file, folder))
                .getMessage());
    assertTrue(message.contains("rope_freqs.weight: the divisors"), message);
  }

  @ParameterizedTest
  @ValueSource(strings = {"lora", "dora"})
  void anAdapterIsTrainedOverBlocks(String technique) {
    Path model = GgufFolder.directory(FILES.resolve("llama-q4_k.gguf"), folder.resolve("cache"));
    Path data = TinyModel.data(folder.resolve("data.jsonl"), TinyModel.records(0, 20));
    RunConfig recipe =
        TinyModel.recipe(model, data, folder.resolve("runs"))
            .with(
                "data.validation='" + data + "'",
                "data.max_seq_len=96",
                "adapter.technique=" + technique,
                "train.max_steps=20",
                "train.epochs=null");
    FineTuneResult run = FineTuning.run(recipe);
    double before = run.validationBefore().orElseThrow();
    double after = run.validationAfter().orElseThrow();
    assertTrue(after < 0.9 * before, before + " to " + after);
    try (Device device = Device.cpu(2);
        LoadedModel tuned = LoadedModel.open(model.toString(), Optional.of(run.output()), device)) {
      assertEquals(5, tuned.model().quantisedMaps().size());
      String message =
          String.valueOf(
              assertThrows(
                      ConfigException.class, () -> tuned.writeQuantised(folder.resolve("written")))
                  .getMessage());
      assertTrue(message.contains("is held in GGUF blocks (Q4_K)"), message);
    }
  }

  @Test
  void blocksAreNotQuantisedAgain() {
    Path model = GgufFolder.directory(FILES.resolve("llama-q8_0.gguf"), folder);
    try (Device device = Device.cpu(1)) {
      String message =
          String.valueOf(
              assertThrows(
                      ConfigException.class,
                      () ->
                          LoadedModel.open(
                                  model.toString(),
                                  Optional.empty(),
                                  new QuantizationScheme(
                                      Quantization.NF4, Scales.PLAIN, 64, OtherFormats.REFUSED),
                                  device)
                              .close())
                  .getMessage());
      assertTrue(message.contains("Q8_0"), message);
    }
  }

  @Test
  void aFolderWithOneGgufFileIsThatFile() throws IOException {
    Path one = Files.createDirectories(folder.resolve("one"));
    Path file = Files.copy(FILES.resolve("phi-q4_0.gguf"), one.resolve("model.gguf"));
    assertEquals(Optional.of(file), GgufFolder.in(one));
    assertEquals(Optional.of(file), GgufFolder.in(file));
    Files.copy(file, one.resolve("other.gguf"));
    String message =
        String.valueOf(assertThrows(FormatException.class, () -> GgufFolder.in(one)).getMessage());
    assertTrue(message.contains("holds 2 GGUF files (model.gguf, other.gguf)"), message);
    Files.createFile(one.resolve("model.safetensors"));
    assertEquals(Optional.empty(), GgufFolder.in(one));
  }
}
