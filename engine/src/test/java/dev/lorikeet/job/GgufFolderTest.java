package dev.lorikeet.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.config.ModelSettings.Dtype;
import dev.lorikeet.error.ConfigException;
import dev.lorikeet.fixture.Checkpoints;
import dev.lorikeet.fixture.Close;
import dev.lorikeet.fixture.FamilyFixture;
import dev.lorikeet.fixture.FamilyFixture.ConfigForm;
import dev.lorikeet.fixture.Fixture;
import dev.lorikeet.format.HfCheckpoint;
import dev.lorikeet.model.Architecture;
import dev.lorikeet.model.Architecture.Blueprint;
import dev.lorikeet.model.CausalLm;
import dev.lorikeet.quant.QuantizationScheme;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
  @ValueSource(strings = {"gpt_neox-q8_0", "phi-q4_0"})
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

  @Test
  void aFolderWithOneGgufFileIsThatFile() throws IOException {
    Path one = Files.createDirectories(folder.resolve("one"));
    Path file = Files.copy(FILES.resolve("phi-q4_0.gguf"), one.resolve("model.gguf"));
    assertEquals(Optional.of(file), GgufFolder.in(one));
    assertEquals(Optional.of(file), GgufFolder.in(file));
    Files.copy(file, one.resolve("other.gguf"));
    String message =
        String.valueOf(
            assertThrows(ConfigException.class, () -> GgufFolder.in(one)).getMessage());
    assertTrue(message.contains("holds 2 GGUF files (model.gguf, other.gguf)"), message);
    Files.createFile(one.resolve("model.safetensors"));
    assertEquals(Optional.empty(), GgufFolder.in(one));
  }
}
