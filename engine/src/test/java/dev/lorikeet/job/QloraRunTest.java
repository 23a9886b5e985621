package dev.lorikeet.job;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.config.ModelSettings.Quantization;
import dev.lorikeet.config.RunConfig;
import dev.lorikeet.error.ConfigException;
import dev.lorikeet.fixture.Checkpoints;
import dev.lorikeet.format.PeftAdapter;
import dev.lorikeet.format.PeftAdapterConfig;
import dev.lorikeet.nn.BaseWeight;
import dev.lorikeet.quant.QuantizationScheme;
import dev.lorikeet.quant.QuantizationScheme.OtherFormats;
import dev.lorikeet.quant.QuantizationScheme.Scales;
import dev.lorikeet.torch.Device;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole runs over a quantised base, and what can be done with their adapter. */
@Tag("native")
final class QloraRunTest {
  private static final int[] TOKENS = {3, 17, 42, 5, 88, 120, 7};

  @TempDir private Path folder;
  private Path model = Path.of("nowhere");
  private RunConfig recipe = RunConfig.of("nowhere", Path.of("nothing"));

  @BeforeEach
  void writeModelAndData() {
    Path heldOut = TinyModel.data(folder.resolve("held-out.jsonl"), TinyModel.records(20, 10));
    recipe =
        TinyModel.recipe(folder, 20)
            .with("data.validation='" + heldOut + "'", "train.max_steps=40", "train.epochs=null");
    model = Path.of(recipe.model().name());
  }

  private static QuantizationScheme scheme(Quantization format) {
    return new QuantizationScheme(format, Scales.QUANTISED, 64, OtherFormats.REFUSED);
  }

  @ParameterizedTest
  @CsvSource({
    "qlora, auto",
    "qlora, fp4",
    "qlora, int8",
    "lora, nf4",
    "qdora, auto",
    "qdora, int8",
    "dora, nf4"
  })
  void theLossFallsOverEveryQuantisedBase(String technique, String quantization) {
    FineTuneResult run =
        FineTuning.run(
            recipe.with("adapter.technique=" + technique, "model.quantization=" + quantization));
    double before = run.validationBefore().orElseThrow();
    double after = run.validationAfter().orElseThrow();
    assertTrue(after < 0.8 * before, before + " to " + after);
  }

  @Test
  void theAdapterIsPlainLoraAndGivesItsLossOverTheSameBase() {
    FineTuneResult run = FineTuning.run(recipe.with("adapter.technique=qlora"));
    PeftAdapterConfig config = PeftAdapter.read(run.output()).config();
    assertEquals("LORA", config.peftType());
    assertFalse(config.useDora());
    Optional<Path> adapter = Optional.of(run.output());
    try (Device device = Device.cpu(2);
        LoadedModel same =
            LoadedModel.open(model.toString(), adapter, scheme(Quantization.NF4), device);
        LoadedModel plain = LoadedModel.open(model.toString(), adapter, device)) {
      float[] overNf4 = Checkpoints.logits(same.model(), device, TOKENS);
      float[] overPlain = Checkpoints.logits(plain.model(), device, TOKENS);
      assertEquals(14, same.model().quantisedMaps().size());
      assertFalse(Arrays.equals(overNf4, overPlain), "rounding to 4 bits shows");
    }
  }

  @Test
  void magnitudesAreTrainedOverAQuantisedBaseAndReadBack() {
    FineTuneResult run = FineTuning.run(recipe.with("adapter.technique=qdora"));
    assertTrue(PeftAdapter.read(run.output()).config().useDora());
    try (Device device = Device.cpu(2);
        LoadedModel tuned =
            LoadedModel.open(
                model.toString(), Optional.of(run.output()), scheme(Quantization.NF4), device);
        LoadedModel base =
            LoadedModel.open(
                model.toString(), Optional.empty(), scheme(Quantization.NF4), device)) {
      String map = "model.layers.0.self_attn.q_proj";
      float[] magnitude =
          tuned.adapter().orElseThrow().dora(map).orElseThrow().magnitude().value().toFloats();
      float[] start = lengths(base, map);
      assertEquals(start.length, magnitude.length);
      float moved = 0;
      for (int i = 0; i < start.length; i++) {
        moved = Math.max(moved, Math.abs(magnitude[i] / start[i] - 1));
      }
      assertTrue(moved > 1e-3 && moved < 1, "largest change of a row's length " + moved);
    }
  }

  private static float[] lengths(LoadedModel base, String map) {
    BaseWeight weight =
        base.model().quantisedMaps().stream()
            .filter(found -> found.name().equals(map))
            .map(BaseWeight.class::cast)
            .findFirst()
            .orElseThrow();
    float[] lengths = weight.rowSquares();
    for (int i = 0; i < lengths.length; i++) {
      lengths[i] = (float) Math.sqrt(lengths[i]);
    }
    return lengths;
  }

  @ParameterizedTest
  @ValueSource(strings = {"NF4", "FP4", "INT8"})
  void aQuantisedModelIsWrittenAndReadAgain(Quantization format) throws IOException {
    Path written = folder.resolve("quantised");
    float[] expected;
    try (Device device = Device.cpu(2);
        LoadedModel loaded =
            LoadedModel.open(model.toString(), Optional.empty(), scheme(format), device)) {
      expected = Checkpoints.logits(loaded.model(), device, TOKENS);
      loaded.writeQuantised(written);
    }
    try (Device device = Device.cpu(2);
        LoadedModel again = LoadedModel.open(written.toString(), Optional.empty(), device)) {
      assertEquals(14, again.model().quantisedMaps().size());
      assertArrayEquals(expected, Checkpoints.logits(again.model(), device, TOKENS));
    }
    long bytes = Files.size(written.resolve("model.safetensors"));
    assertTrue(bytes < Files.size(model.resolve("model.safetensors")), bytes + " bytes");
    Inspection inspection = Inspection.of(written.toString());
    assertEquals(format.spelling() + " and F32", inspection.storedType().orElseThrow());
    assertEquals(
        Inspection.of(model.toString()).parameters().total(), inspection.parameters().total());
    assertEquals(
        Inspection.of(model.toString(), scheme(format)).weightBytes(), inspection.weightBytes());
    assertTrue(inspection.weightBytes() < Inspection.of(model.toString()).weightBytes());
    assertEquals(0, inspection.warnings().size(), inspection.warnings().toString());
  }

  @Test
  void aStoredQuantisedModelIsTunedWithoutAskingAndNeverInFull() {
    Path stored = folder.resolve("stored");
    try (Device device = Device.cpu(2);
        LoadedModel loaded =
            LoadedModel.open(
                model.toString(), Optional.empty(), scheme(Quantization.INT8), device)) {
      loaded.writeQuantised(stored);
    }
    RunConfig onStored = recipe.with("model.path='" + stored + "'", "train.max_steps=2");
    assertEquals(2, FineTuning.run(onStored).steps());
    assertEquals(2, FineTuning.run(onStored.with("adapter.technique=qlora")).steps());
    assertRefused(
        onStored.with("adapter.technique=full"),
        "full trains the weights themselves, but the checkpoint in "
            + stored
            + " holds them as int8");
    assertRefused(
        onStored.with("model.quantization=nf4"), "quantization nf4 is asked for", "as int8");
  }

  @Test
  void aModelInFullPrecisionIsNotWrittenAsQuantised() {
    try (Device device = Device.cpu(2);
        LoadedModel loaded = LoadedModel.open(model.toString(), Optional.empty(), device)) {
      ConfigException refused =
          assertThrows(
              ConfigException.class, () -> loaded.writeQuantised(folder.resolve("quantised")));
      assertTrue(String.valueOf(refused.getMessage()).contains("holds no quantised weight"));
    }
    assertFalse(Files.exists(folder.resolve("quantised")));
  }

  private static void assertRefused(RunConfig run, String... fragments) {
    ConfigException refused = assertThrows(ConfigException.class, () -> FineTuning.run(run));
    for (String fragment : fragments) {
      assertTrue(String.valueOf(refused.getMessage()).contains(fragment), refused.getMessage());
    }
  }
}
