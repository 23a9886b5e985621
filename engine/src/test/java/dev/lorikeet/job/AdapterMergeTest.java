package dev.lorikeet.job;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.adapter.LoraAdapter;
import dev.lorikeet.adapter.LoraSettings;
import dev.lorikeet.adapter.Targets;
import dev.lorikeet.config.ModelSettings.Dtype;
import dev.lorikeet.config.ModelSettings.Quantization;
import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.FormatException;
import dev.lorikeet.error.LorikeetException;
import dev.lorikeet.error.RunException;
import dev.lorikeet.fixture.Checkpoints;
import dev.lorikeet.fixture.Close;
import dev.lorikeet.fixture.Fixture;
import dev.lorikeet.format.HfCheckpoint;
import dev.lorikeet.format.SafeTensors;
import dev.lorikeet.format.StoredType;
import dev.lorikeet.format.TensorEntry;
import dev.lorikeet.job.Inspection.Head;
import dev.lorikeet.job.LoadedModel.BaseFormat;
import dev.lorikeet.quant.QuantizationScheme;
import dev.lorikeet.quant.QuantizationScheme.OtherFormats;
import dev.lorikeet.quant.QuantizationScheme.Scales;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.torch.Device;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Model and adapter become one checkpoint. */
@Tag("native")
final class AdapterMergeTest {
  /** Sums of at most 48 terms in two layers, and one rounding of the merged weight. */
  private static final double TOLERANCE = 1e-5;

  private static final String HEAD = "lm_head.weight";
  private static final String EMBEDDING = "model.embed_tokens.weight";

  private QuantizationScheme base = QuantizationScheme.none();
  @TempDir private Path folder;
  private Path model = Path.of("");
  private Path adapter = Path.of("");
  private Path out = Path.of("");

  @BeforeEach
  void makeModel() {
    model = TinyModel.write(folder.resolve("tiny"));
    adapter = folder.resolve("adapter");
    out = folder.resolve("merged");
  }

  private LoadedModel load(LoraAdapter adapter, Device device) {
    return LoadedModel.load(
        model,
        Parameter.Training.FROZEN,
        Optional.of(adapter),
        new BaseFormat(Dtype.AUTO, base),
        Optional.empty(),
        device);
  }

  /** A merged checkpoint holds plain numbers. */
  private QuantizationScheme base(Path of) {
    return of.equals(out) ? QuantizationScheme.none() : base;
  }

  private void makeAdapter(boolean dora, String... targets) {
    LoraSettings lora = new LoraSettings(4, 8, false, 0, Targets.of(List.of(targets)));
    LoraSettings settings = dora ? lora.withDora() : lora;
    try (Device device = Device.cpu(1);
        LoraAdapter fresh = LoraAdapter.fresh(settings, device, 1);
        LoadedModel loaded = load(fresh, device)) {
      for (Parameter parameter : fresh.parameters()) {
        float[] values = parameter.value().toFloats();
        float[] noise = Checkpoints.normal(parameter.name().hashCode(), values.length, 0.1);
        for (int i = 0; i < values.length; i++) {
          values[i] = values[i] * (1 + noise[i]) + (values[i] == 0 ? noise[i] : 0);
        }
        parameter.value().copyFrom(values);
      }
      fresh.write(adapter, loaded.directory().toString());
    }
  }

  private AdapterMerge merge(WeightFormat format) {
    try (Device device = Device.cpu(2)) {
      return AdapterMerge.write(model.toString(), adapter, out, format, base, device);
    }
  }

  private float[] logits(Path model, Optional<Path> adapter) {
    try (Device device = Device.cpu(2);
        LoadedModel loaded = LoadedModel.open(model.toString(), adapter, base(model), device)) {
      return Checkpoints.logits(loaded.model(), device, 3, 1, 4, 1, 5, 9, 2, 6);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "false, all-linear, OWN",
    "true, all-linear, TIED",
    "false, q_proj, TIED",
    "true, lm_head, OWN",
    "true, lm_head, TIED",
    "false, lm_head, TIED"
  })
  void theCheckpointSaysWhatModelAndAdapterSay(boolean dora, String target, Head head) {
    model = TinyModel.write(folder.resolve("other"), "", head);
    makeAdapter(dora, target);
    float[] expected = logits(model, Optional.of(adapter));
    AdapterMerge merged = merge(WeightFormat.FLOAT32);
    assertEquals(Optional.empty(), merged.rounding());
    assertEquals(out, merged.directory());
    Close.assertRelative(expected, logits(out, Optional.empty()), TOLERANCE, target);
    assertTrue(Close.frobenius(logits(model, Optional.empty()), expected) > 1e-2);
    // A head that was tied has weights of its own now, and the config says so.
    JsonNode config = JsonMapper.shared().readTree(out.resolve("config.json").toFile());
    assertEquals(
        head == Head.TIED && !target.equals("lm_head"),
        config.get("tie_word_embeddings").asBoolean());
    assertTrue(Files.exists(out.resolve("tokenizer.json")));
  }

  @ParameterizedTest
  @CsvSource({"false, all-linear", "true, all-linear", "false, q_proj", "true, q_proj"})
  void aQuantisedBaseIsMergedIntoWhatItsCodesStandFor(boolean dora, String target) {
    base = nf4();
    model = TinyModel.write(folder.resolve("other"), "", Head.OWN);
    makeAdapter(dora, target);
    float[] expected = logits(model, Optional.of(adapter));
    merge(WeightFormat.FLOAT32);
    Close.assertRelative(expected, logits(out, Optional.empty()), TOLERANCE, target);
  }

  @ParameterizedTest
  @CsvSource({
    "embed_tokens, OWN, false",
    "embed_tokens, TIED, false",
    "embed_tokens lm_head, OWN, false",
    "embed_tokens lm_head, TIED, false",
    "embed_tokens q_proj, TIED, true"
  })
  void anAdaptedEmbeddingIsMergedAndATiedHeadKeepsTheOldTable(
      String targets, Head head, boolean quantised) {
    if (quantised) {
      base = nf4();
    }
    model = TinyModel.write(folder.resolve("other"), "", head);
    makeAdapter(false, targets.split(" "));
    float[] expected = logits(model, Optional.of(adapter));
    AdapterMerge merged = merge(WeightFormat.FLOAT32);
    assertEquals(1, merged.embeddings());
    Close.assertRelative(expected, logits(out, Optional.empty()), TOLERANCE, targets);
    assertTrue(Close.frobenius(logits(model, Optional.empty()), expected) > 1e-2);
    JsonNode config = JsonMapper.shared().readTree(out.resolve("config.json").toFile());
    assertFalse(config.get("tie_word_embeddings").asBoolean(), "the head is another table now");
    Map<String, float[]> before = weights(model);
    Map<String, float[]> after = weights(out);
    assertEquals(before.containsKey(HEAD) ? before.size() : before.size() + 1, after.size());
    if (head == Head.TIED && !targets.contains("lm_head")) {
      assertArrayEquals(before.get(EMBEDDING), after.get(HEAD));
    }
    assertFalse(Arrays.equals(before.get(EMBEDDING), after.get(EMBEDDING)));
  }

  private static QuantizationScheme nf4() {
    return new QuantizationScheme(Quantization.NF4, Scales.QUANTISED, 64, OtherFormats.REFUSED);
  }

  /** All tensors of a checkpoint as float32. */
  private static Map<String, float[]> weights(Path checkpoint) {
    Map<String, float[]> weights = new TreeMap<>();
    try (SafeTensors file = SafeTensors.open(checkpoint.resolve("model.safetensors"))) {
      for (TensorEntry entry : file.entries().values()) {
        float[] values = new float[(int) entry.elements()];
        file.readFloats(entry.name(), MemorySegment.ofArray(values));
        weights.put(entry.name(), values);
      }
    }
    return weights;
  }

  @ParameterizedTest
  @CsvSource({"false, all-linear", "true, all-linear", "true, q_proj down_proj"})
  void theDriftIsTheDifferenceFromMergingIntoTheCheckpointsOwnWeights(
      boolean dora, String targets) {
    makeAdapter(dora, targets.split(" "));
    assertEquals(Optional.empty(), merge(WeightFormat.FLOAT32).drift().quantisation());
    Map<String, float[]> own = weights(out);
    out = folder.resolve("from-nf4");
    base = nf4();
    AdapterMerge.Drift drift = merge(WeightFormat.FLOAT32).drift();
    assertEquals(Optional.empty(), drift.rounding());
    Map<String, float[]> merged = weights(out);
    own.keySet().removeIf(name -> !name.endsWith("_proj.weight"));
    assertEquals(14, own.size());
    assertDrift(own, merged, drift.quantisation().orElseThrow());
    assertTrue(drift.quantisation().orElseThrow().relative() > 0.02);
  }

  @Test
  void roundingIsToldForAllWeights() {
    makeAdapter(false, "q_proj", "down_proj", "embed_tokens");
    merge(WeightFormat.FLOAT32);
    Map<String, float[]> exact = weights(out);
    out = folder.resolve("rounded");
    WeightDrift drift = merge(WeightFormat.BFLOAT16).drift().rounding().orElseThrow();
    assertDrift(exact, weights(out), drift);
    assertTrue(drift.relative() < 0x1p-9, "half a unit of 8 bits: " + drift.relative());
  }

  /** Compares {@code drift} with sums over the files. */
  private static void assertDrift(
      Map<String, float[]> expected, Map<String, float[]> found, WeightDrift drift) {
    double largest = 0;
    double sizes = 0;
    double squares = 0;
    double norm = 0;
    double worst = 0;
    long count = 0;
    String worstName = "";
    assertTrue(found.keySet().containsAll(expected.keySet()));
    for (Map.Entry<String, float[]> entry : expected.entrySet()) {
      String name = entry.getKey();
      float[] actual = found.getOrDefault(name, new float[0]);
      double own = 0;
      double ownNorm = 0;
      for (int i = 0; i < entry.getValue().length; i++) {
        double reference = entry.getValue()[i];
        double size = Math.abs(actual[i] - reference);
        largest = Math.max(largest, size);
        sizes += size;
        own += size * size;
        ownNorm += reference * reference;
        count++;
      }
      squares += own;
      norm += ownNorm;
      if (Math.sqrt(own / ownNorm) > worst) {
        worst = Math.sqrt(own / ownNorm);
        worstName = name;
      }
    }
    // The tiles of a product may be summed in another order: a few units of the last place.
    assertEquals(largest, drift.largest(), 1e-5 * largest);
    assertEquals(sizes / count, drift.mean(), 1e-5 * sizes / count);
    assertEquals(Math.sqrt(squares / norm), drift.relative(), 1e-5);
    assertEquals(worstName, drift.worst());
    assertEquals(worst, drift.worstRelative(), 1e-5);
    assertTrue(expected.containsKey(drift.largestIn()), drift.largestIn());
  }

  @Test
  void aBaseThatIsStoredQuantisedHasNoOtherWeights() {
    Path stored = folder.resolve("stored");
    try (Device device = Device.cpu(1);
        LoadedModel loaded = LoadedModel.open(model.toString(), Optional.empty(), nf4(), device)) {
      loaded.writeQuantised(stored);
    }
    model = stored;
    makeAdapter(false, "all-linear");
    float[] expected = logits(model, Optional.of(adapter));
    assertEquals(Optional.empty(), merge(WeightFormat.FLOAT32).drift().quantisation());
    Close.assertRelative(expected, logits(out, Optional.empty()), TOLERANCE, "stored");
  }

  @ParameterizedTest
  @EnumSource(
      value = WeightFormat.class,
      names = {"BFLOAT16", "FLOAT16"})
  void narrowFormatsSayHowMuchTheyRound(WeightFormat format) {
    makeAdapter(true, "all-linear");
    AdapterMerge merged = merge(format);
    AdapterMerge.Rounding rounding = merged.rounding().orElseThrow();
    // Half a unit in the last place: 8 and 11 significant bits.
    double share = format == WeightFormat.BFLOAT16 ? 0x1p-9 : 0x1p-12;
    assertTrue(rounding.size() > 0);
    assertTrue(rounding.size() <= 2 * share * Math.abs(rounding.merged()), rounding.toString());
    try (HfCheckpoint files = HfCheckpoint.open(out)) {
      assertEquals(
          format == WeightFormat.BFLOAT16 ? StoredType.BF16 : StoredType.F16, files.dtype());
      assertEquals(format.spelling(), files.config().requiredString("dtype"));
    }
    float[] expected = logits(model, Optional.of(adapter));
    Close.assertRelative(expected, logits(out, Optional.empty()), 40 * share, "rounded");
  }

  @Test
  void theSameMergeGivesTheSameBytes() throws IOException {
    makeAdapter(true, "all-linear");
    merge(WeightFormat.FLOAT32);
    byte[] first = Files.readAllBytes(out.resolve("model.safetensors"));
    out = folder.resolve("again");
    merge(WeightFormat.FLOAT32);
    assertArrayEquals(first, Files.readAllBytes(out.resolve("model.safetensors")));
  }

  @Test
  void everyFileOfTheTokenizerIsCopied() throws IOException {
    List<String> files =
        List.of("tokenizer.model", "vocab.json", "merges.txt", "added_tokens.json");
    for (String name : files) {
      Files.writeString(model.resolve(name), "what is in " + name);
    }
    makeAdapter(false, "q_proj");
    merge(WeightFormat.FLOAT32);
    for (String name : files) {
      assertEquals("what is in " + name, Files.readString(out.resolve(name)));
    }
    assertArrayEquals(
        Files.readAllBytes(model.resolve("tokenizer.json")),
        Files.readAllBytes(out.resolve("tokenizer.json")));
  }

  @Test
  void aFolderWithContentsIsRefusedAndLeftAlone() throws IOException {
    makeAdapter(false, "q_proj");
    Files.createDirectory(out);
    Files.writeString(out.resolve("notes.txt"), "mine");
    String message = refused(ConfigException.class);
    assertTrue(message.contains("--out " + out), message);
    assertEquals("mine", Files.readString(out.resolve("notes.txt")));
  }

  @Test
  void anAdapterOfAnotherModelIsRefusedBeforeAnythingIsWritten() {
    adapter = Fixture.ROOT.resolve("dora/tied-gqa/fresh/start");
    String message = refused(FormatException.class);
    assertTrue(message.contains("the adapter belongs to another base model"), message);
    assertFalse(Files.exists(out));
  }

  @Test
  void whatFloat16CannotHoldIsRefused() {
    makeAdapter(true, "q_proj");
    try (Device device = Device.cpu(1);
        LoraAdapter worn = LoraAdapter.read(adapter, device);
        LoadedModel _ = load(worn, device)) {
      Parameter magnitude = worn.parameters().get(2);
      float[] huge = magnitude.value().toFloats();
      huge[0] = 1e6f;
      magnitude.value().copyFrom(huge);
      worn.write(adapter, "tiny");
    }
    String message =
        String.valueOf(
            assertThrows(RunException.class, () -> merge(WeightFormat.FLOAT16)).getMessage());
    assertTrue(message.contains("q_proj.weight holds"), message);
    assertTrue(message.contains("Choose --dtype bfloat16 or float32."), message);
    assertFalse(Files.exists(out));
  }

  @Test
  void anUnknownFormatIsRefusedWithTheNames() {
    String message =
        String.valueOf(
            assertThrows(ConfigException.class, () -> WeightFormat.parse("int8")).getMessage());
    assertEquals("--dtype must be one of float32, bfloat16, float16, found int8", message);
  }

  private String refused(Class<? extends LorikeetException> type) {
    return String.valueOf(assertThrows(type, () -> merge(WeightFormat.FLOAT32)).getMessage());
  }
}
