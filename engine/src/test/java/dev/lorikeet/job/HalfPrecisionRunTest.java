package dev.lorikeet.job;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.config.ModelSettings.Dtype;
import dev.lorikeet.config.ModelSettings.Quantization;
import dev.lorikeet.config.RunConfig;
import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.FormatException;
import dev.lorikeet.fixture.Checkpoints;
import dev.lorikeet.format.HfCheckpoint;
import dev.lorikeet.format.StoredType;
import dev.lorikeet.job.LoadedModel.BaseFormat;
import dev.lorikeet.quant.QuantizationScheme;
import dev.lorikeet.quant.QuantizationScheme.OtherFormats;
import dev.lorikeet.quant.QuantizationScheme.Scales;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.DType;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Models of two bytes a weight stay so: in memory, under every technique, and in what is written.
 */
@Tag("native")
final class HalfPrecisionRunTest {
  private static final int[] TOKENS = {3, 17, 42, 5, 88, 120, 7};

  /**
   * Products of at most 64 terms over 2 blocks, forty updates apart: what float32 sums in another
   * order may differ by, as PackedLossTest has it for one pass, times the steps.
   */
  private static final double LOSS_TOLERANCE = 1e-4;

  @TempDir private Path folder;
  private Path model = Path.of("nowhere");
  private RunConfig recipe = RunConfig.of("nowhere", Path.of("nothing"));

  @BeforeEach
  void writeModelAndData() throws IOException {
    model = stored(WeightFormat.BFLOAT16);
    Path train = TinyModel.data(folder.resolve("train.jsonl"), TinyModel.records(0, 20));
    Path heldOut = TinyModel.data(folder.resolve("held-out.jsonl"), TinyModel.records(20, 10));
    recipe =
        TinyModel.recipe(model, train, folder.resolve("runs"))
            .with("data.validation='" + heldOut + "'", "train.max_steps=40", "train.epochs=null");
  }

  /** The tiny model in another format. */
  private Path stored(WeightFormat format) throws IOException {
    Path plain = folder.resolve("float32");
    if (!Files.exists(plain)) {
      TinyModel.write(plain);
    }
    Path folderOfFormat = folder.resolve(format.spelling() + "-model");
    try (Device device = Device.cpu(1);
        LoadedModel loaded = LoadedModel.open(plain.toString(), Optional.empty(), device)) {
      CheckpointWriter.write(folderOfFormat, plain, loaded.model().parameters(), format);
    }
    return folderOfFormat;
  }

  private static Set<DType> types(LoadedModel loaded) {
    return loaded.model().parameters().stream()
        .map(Parameter::value)
        .map(Tensor::dtype)
        .collect(Collectors.toSet());
  }

  @ParameterizedTest
  @EnumSource(
      value = WeightFormat.class,
      names = {"BFLOAT16", "FLOAT16"})
  void weightsAreHeldAsStoredAndGiveTheLogitsOfFloat32(WeightFormat format) throws IOException {
    Path path = stored(format);
    try (Device device = Device.cpu(2);
        LoadedModel narrow = LoadedModel.open(path.toString(), Optional.empty(), device);
        LoadedModel wide = open(path, Dtype.FLOAT32, device)) {
      assertEquals(Set.of(DType.valueOf(format.name())), types(narrow));
      assertEquals(Set.of(DType.FLOAT32), types(wide));
      assertEquals(wide.model().weightBytes(), 2 * narrow.model().weightBytes());
      assertArrayEquals(
          Checkpoints.logits(wide.model(), device, TOKENS),
          Checkpoints.logits(narrow.model(), device, TOKENS),
          1e-5f);
    }
    Inspection inspection = Inspection.of(path.toString());
    assertEquals(2 * inspection.parameters().total(), inspection.weightBytes());
  }

  private static LoadedModel open(Path path, Dtype dtype, Device device) {
    BaseFormat base = new BaseFormat(dtype, QuantizationScheme.none());
    return LoadedModel.load(
        path, Training.FROZEN, Optional.empty(), base, Optional.empty(), device);
  }

  @Test
  void quantisationLeavesEmbeddingNormsAndHeadAsStored() {
    QuantizationScheme nf4 =
        new QuantizationScheme(Quantization.NF4, Scales.QUANTISED, 64, OtherFormats.REFUSED);
    Path written = folder.resolve("quantised");
    float[] logits;
    try (Device device = Device.cpu(2);
        LoadedModel loaded = LoadedModel.open(model.toString(), Optional.empty(), nf4, device)) {
      assertEquals(Set.of(DType.BFLOAT16), types(loaded));
      assertEquals(14, loaded.model().quantisedMaps().size());
      logits = Checkpoints.logits(loaded.model(), device, TOKENS);
      loaded.writeQuantised(written);
    }
    try (Device device = Device.cpu(2);
        HfCheckpoint files = HfCheckpoint.open(written);
        LoadedModel again = LoadedModel.open(written.toString(), Optional.empty(), device)) {
      assertEquals(StoredType.BF16, files.entry("model.embed_tokens.weight").type());
      assertEquals(StoredType.BF16, files.entry("lm_head.weight").type());
      assertEquals("bfloat16", files.config().requiredString("dtype"));
      assertArrayEquals(logits, Checkpoints.logits(again.model(), device, TOKENS));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"lora", "dora", "qlora", "qdora"})
  void adaptersLearnAsOverTheSameWeightsInFloat32(String technique) {
    RunConfig run = recipe.with("adapter.technique=" + technique);
    FineTuneResult narrow = FineTuning.run(run);
    FineTuneResult wide = FineTuning.run(run.with("model.dtype=float32"));
    double before = narrow.validationBefore().orElseThrow();
    double after = narrow.validationAfter().orElseThrow();
    assertTrue(after < 0.8 * before, before + " to " + after);
    assertEquals(wide.validationAfter().orElseThrow(), after, LOSS_TOLERANCE * after);
  }

  @ParameterizedTest
  @EnumSource(
      value = WeightFormat.class,
      names = {"BFLOAT16", "FLOAT16"})
  void fullTrainingSavesTheVeryWeightsThatItValidated(WeightFormat format) throws IOException {
    RunConfig run =
        recipe.with(
            "model.path='" + stored(format) + "'",
            "adapter.technique=full",
            "train.learning_rate=1.0e-3");
    FineTuneResult result = FineTuning.run(run);
    double after = result.validationAfter().orElseThrow();
    assertTrue(after < 0.8 * result.validationBefore().orElseThrow(), "" + after);
    try (HfCheckpoint files = HfCheckpoint.open(result.output())) {
      for (String name : files.names()) {
        assertEquals(format.stored(), files.entry(name).type(), name);
      }
      assertEquals(format.spelling(), files.config().requiredString("dtype"));
    }
    FineTuneResult again =
        FineTuning.run(recipe.with("model.path='" + result.output() + "'", "train.max_steps=1"));
    assertEquals(after, again.validationBefore().orElseThrow());
  }

  @Test
  void frozenLayersOfFullTrainingKeepTheirBits() {
    RunConfig run =
        recipe.with("adapter.technique=full", "adapter.train=[layers.1]", "train.max_steps=2");
    FineTuneResult result = FineTuning.run(run);
    try (HfCheckpoint before = HfCheckpoint.open(model);
        HfCheckpoint after = HfCheckpoint.open(result.output())) {
      int moved = 0;
      for (String name : before.names()) {
        boolean same = before.bytes(name).mismatch(after.bytes(name)) < 0;
        assertTrue(same || name.contains("layers.1"), name);
        moved += same ? 0 : 1;
      }
      assertTrue(moved > 0, "nothing was trained");
    }
  }

  @Test
  void formatsMayBeAskedFor() throws IOException {
    Path plain = folder.resolve("float32");
    try (Device device = Device.cpu(1);
        LoadedModel asked = open(plain, Dtype.BFLOAT16, device);
        LoadedModel stored = LoadedModel.open(model.toString(), Optional.empty(), device)) {
      for (int i = 0; i < asked.model().parameters().size(); i++) {
        assertArrayEquals(
            stored.model().parameters().get(i).value().toFloats(),
            asked.model().parameters().get(i).value().toFloats());
      }
    }
  }

  @Test
  void numbersBeyondFloat16AreRefused() throws IOException {
    Path plain = folder.resolve("float32");
    Path large = folder.resolve("large");
    try (Device device = Device.cpu(1);
        LoadedModel loaded = LoadedModel.open(plain.toString(), Optional.empty(), device)) {
      Parameter embedding = loaded.model().parameters().getFirst();
      float[] values = embedding.value().toFloats();
      values[5] = -7e4f;
      embedding.value().copyFrom(values);
      CheckpointWriter.write(large, plain, loaded.model().parameters(), WeightFormat.FLOAT32);
      FormatException refused =
          assertThrows(FormatException.class, () -> open(large, Dtype.FLOAT16, device));
      assertTrue(
          String.valueOf(refused.getMessage())
              .contains("holds -70000.0, which is more than float16 can hold; set model.dtype"),
          refused.getMessage());
    }
  }

  @Test
  void aBaseThatPissaChangesIsFloat32AndTheUserHearsOfIt() {
    RunConfig run = recipe.with("adapter.init_lora_weights=pissa", "train.max_steps=1");
    List<String> notices = new ArrayList<>();
    FineTuning.run(run, FineTuneOptions.defaults(), new Listening(notices));
    assertTrue(
        notices.stream().anyMatch(text -> text.contains("weights are BF16, but")), "" + notices);
    ConfigException refused =
        assertThrows(ConfigException.class, () -> run.with("model.dtype=bfloat16"));
    assertTrue(
        String.valueOf(refused.getMessage()).contains("model.dtype: bfloat16 cannot hold"),
        refused.getMessage());
  }
}
