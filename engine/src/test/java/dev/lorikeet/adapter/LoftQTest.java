package dev.lorikeet.adapter;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.config.ModelSettings.Quantization;
import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.FormatException;
import dev.lorikeet.error.LorikeetException;
import dev.lorikeet.fixture.Checkpoints;
import dev.lorikeet.fixture.Close;
import dev.lorikeet.fixture.Fixture;
import dev.lorikeet.fixture.Rounding;
import dev.lorikeet.fixture.Tensors;
import dev.lorikeet.format.HfCheckpoint;
import dev.lorikeet.model.Architecture;
import dev.lorikeet.model.CausalLm;
import dev.lorikeet.nn.CheckpointWeights;
import dev.lorikeet.quant.QuantizationScheme;
import dev.lorikeet.quant.QuantizationScheme.OtherFormats;
import dev.lorikeet.quant.QuantizationScheme.Scales;
import dev.lorikeet.quant.QuantizedLinear;
import dev.lorikeet.quant.QuantizedWeights;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Device.Transpose;
import dev.lorikeet.torch.Tensor;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

/** The adapter begins as what quantisation loses, and fits no other base. */
@Tag("native")
final class LoftQTest {
  private static final String BASE = "untied-odd";
  private static final int[] TOKENS = {3, 1, 4, 1, 5, 9, 2, 6, 5, 35};

  @TempDir private Path folder;

  static Stream<JsonNode> cases() {
    return Fixture.json("loftq/cases.json").valueStream();
  }

  private static LoraSettings settings(int rank, double alpha, int turns, String... targets) {
    return new LoraSettings(
        rank,
        alpha,
        false,
        0,
        targets.length == 0 ? Targets.allLinear() : Targets.of(List.of(targets)),
        Map.of(),
        Map.of(),
        List.of(),
        LoraStart.loftq(turns));
  }

  private static QuantizationScheme scheme(Quantization format) {
    return new QuantizationScheme(format, Scales.QUANTISED, 64, OtherFormats.REFUSED);
  }

  @ParameterizedTest
  @MethodSource("cases")
  @Tag("reference")
  void baseAndProductArePeftsAfterEveryTurn(JsonNode json) {
    String name = json.get("name").asString();
    QuantizationScheme scheme =
        new QuantizationScheme(
            Quantization.valueOf(json.get("quantization").asString().toUpperCase(Locale.ROOT)),
            json.get("double_quant").asBoolean() ? Scales.QUANTISED : Scales.PLAIN,
            json.get("block_size").asInt(),
            OtherFormats.REFUSED);
    double before = json.get("error_without").asDouble();
    try (Device device = Device.cpu(2);
        Fixture fixture = new Fixture("loftq/cases.safetensors");
        Tensor weight = fixture.tensor(device, name + ".weight")) {
      float[] w = weight.toFloats();
      for (JsonNode turn : json.get("turns")) {
        String at = name + "." + turn.get("turns").asInt();
        int rank = json.get("rank").asInt();
        // The scale is none of PEFT's business here: s·B·A is its B·A whatever s is.
        LoraSettings settings = settings(rank, 3.0 * rank, turn.get("turns").asInt());
        LoftQ loftq = LoftQ.of(at, weight, scheme, settings);
        try (QuantizedLinear base = new QuantizedLinear(at, loftq.base(), Optional.empty());
            LowRank start = loftq.start()) {
          float[] held = rows(base, device);
          // A code that differs would be off by a hundredth; scales by a few units of the largest.
          Close.assertRelative(fixture.floats(at + ".base"), held, 64 * Rounding.U, at + " base");
          float[] product = product(start, settings.scale(), device);
          // A singular space turns by the rounding of the matrix over the gap behind it.
          int size = Math.min(base.inFeatures(), base.outFeatures());
          double tolerance = size * Rounding.U * (1 + 2 / turn.get("gap").asDouble());
          assertTrue(
              Close.frobenius(fixture.floats(at + ".product"), product) < tolerance, at + " s·BA");
          assertArrayEquals(fixture.floats(name + ".weight"), w, "the weight stays");
          float[] sum = new float[w.length];
          for (int i = 0; i < sum.length; i++) {
            sum[i] = held[i] + product[i];
          }
          double error = Close.frobenius(w, sum);
          assertEquals(turn.get("error").asDouble(), error, 1e-4 * error, at + " error");
          assertTrue(error < before, at + " falls from " + before + " to " + error);
          before = error;
        }
      }
    }
  }

  private static float[] rows(QuantizedLinear base, Device device) {
    try (Tensor rows = device.floats(base.outFeatures(), base.inFeatures())) {
      base.readRows(0, rows);
      return rows.toFloats();
    }
  }

  private static float[] product(LowRank start, double scale, Device device) {
    try (Tensor product = device.floats(start.b().size(0), start.a().size(1))) {
      device.gemm(Transpose.NO, Transpose.NO, (float) scale, start.b(), start.a(), 0f, product);
      return product.toFloats();
    }
  }

  @ParameterizedTest
  @CsvSource({"NF4, 1, false", "NF4, 3, false", "INT8, 2, false", "FP4, 1, true", "NF4, 3, true"})
  void theModelStartsNearerToTheFullWeightsAndFitsThisBaseOnly(
      Quantization format, int turns, boolean dora) {
    LoraSettings plain = settings(8, 16, turns, "all-linear");
    LoraSettings settings = dora ? plain.withDora() : plain;
    try (Device device = Device.cpu(2);
        Loaded full = new Loaded(device, QuantizationScheme.none(), Optional.empty());
        Loaded held = new Loaded(device, scheme(format), Optional.empty());
        LoraAdapter adapter = LoraAdapter.fresh(settings, device, 1);
        Loaded mended = new Loaded(device, scheme(format), Optional.of(adapter))) {
      float[] expected = full.logits();
      float[] started = mended.logits();
      double without = Close.frobenius(expected, held.logits());
      double with = Close.frobenius(expected, started);
      assertTrue(with < 0.95 * without, "logits off by " + without + ", with LoftQ " + with);
      adapter.write(folder, BASE);
      if (turns == 1) {
        readsBack(device, scheme(format), started);
      } else {
        refuses(device, scheme(format), BASE);
      }
      refuses(device, QuantizationScheme.none(), BASE);
      Scales scales = Scales.PLAIN;
      refuses(
          device, new QuantizationScheme(Quantization.NF4, scales, 32, OtherFormats.KEPT), BASE);
    }
  }

  private void readsBack(Device device, QuantizationScheme scheme, float[] expected) {
    try (LoraAdapter again = LoraAdapter.read(folder, device);
        Loaded read = new Loaded(device, scheme, Optional.of(again))) {
      assertArrayEquals(expected, read.logits());
      assertTrue(again.baseSha256().isPresent(), "what is written again says it again");
    }
  }

  private void refuses(Device device, QuantizationScheme scheme, String named) {
    try (LoraAdapter again = LoraAdapter.read(folder, device)) {
      String message =
          refused(FormatException.class, () -> new Loaded(device, scheme, Optional.of(again)));
      assertTrue(message.contains("makes up for the rounding of one quantised base"), message);
      assertTrue(message.contains("it was trained on " + named), message);
    }
  }

  @Test
  void theStartIsTheSameForEveryNumberOfThreads() {
    float[][] starts = new float[2][];
    for (int threads = 1; threads <= 2; threads++) {
      try (Device device = Device.cpu(threads);
          LoraAdapter adapter = LoraAdapter.fresh(settings(4, 8, 2, "v_proj"), device, 1);
          Loaded _ = new Loaded(device, scheme(Quantization.NF4), Optional.of(adapter))) {
        starts[threads - 1] = adapter.modules().getFirst().a().value().toFloats();
      }
    }
    assertArrayEquals(starts[0], starts[1]);
  }

  @Test
  void onlyAQuantisedLayerIsMended() {
    try (Device device = Device.cpu(1);
        LoraAdapter adapter =
            LoraAdapter.fresh(settings(4, 8, 1, "q_proj", "lm_head", "embed_tokens"), device, 1);
        Loaded _ = new Loaded(device, scheme(Quantization.NF4), Optional.of(adapter))) {
      for (Lora module : adapter.modules()) {
        boolean zero = true;
        for (float value : module.b().value().toFloats()) {
          zero &= value == 0;
        }
        assertEquals(module.name().equals("lm_head"), zero, module.name());
      }
    }
  }

  @Test
  void loadingHoldsNoMoreThanAFewCopiesOfOneWeight() {
    try (Device device = Device.cpu(1);
        LoraAdapter adapter = LoraAdapter.fresh(settings(4, 8, 3), device, 1);
        Loaded loaded = new Loaded(device, scheme(Quantization.NF4), Optional.of(adapter))) {
      long largest =
          loaded.model.quantisedMaps().stream()
              .mapToLong(map -> 4L * map.inFeatures() * map.outFeatures())
              .max()
              .orElseThrow();
      long above = device.memory().peakBytes() - device.memory().currentBytes();
      // W, the rest of it, codes of two turns, and A and B of the one map.
      assertTrue(above < 3 * largest, above + " bytes above the model, a weight has " + largest);
    }
  }

  @Test
  void whereNothingIsQuantisedThereIsNothingToMend() {
    try (Device device = Device.cpu(1)) {
      for (String target : List.of("q_proj", "lm_head")) {
        QuantizationScheme scheme =
            target.equals("q_proj") ? QuantizationScheme.none() : scheme(Quantization.NF4);
        try (LoraAdapter adapter = LoraAdapter.fresh(settings(4, 8, 1, target), device, 1)) {
          String message =
              refused(
                  ConfigException.class, () -> new Loaded(device, scheme, Optional.of(adapter)));
          assertTrue(message.contains("but no adapted layer is quantised"), message);
        }
      }
    }
  }

  @Test
  void aCheckpointThatIsStoredQuantisedIsRefused() {
    Path stored = Fixture.ROOT.resolve("quant/nf4/model");
    try (Device device = Device.cpu(1);
        LoraAdapter adapter = LoraAdapter.fresh(settings(4, 8, 1, "q_proj"), device, 1)) {
      String message =
          refused(
              ConfigException.class,
              () ->
                  new Loaded(stored, device, scheme(Quantization.NF4), Optional.of(adapter))
                      .close());
      assertTrue(message.contains("loftq needs the weights before quantisation"), message);
    }
  }

  @Test
  void weightsOfZeroHaveNothingToMend() {
    try (Device device = Device.cpu(1);
        Tensors tensors = new Tensors(device)) {
      Tensor zero = tensors.of(new float[8 * 64], 8, 64);
      LoftQ loftq = LoftQ.of("m", zero, scheme(Quantization.NF4), settings(2, 4, 2));
      try (QuantizedLinear base = new QuantizedLinear("m", loftq.base(), Optional.empty());
          LowRank start = loftq.start()) {
        assertArrayEquals(new float[8 * 64], product(start, 2, device), 0f);
        assertArrayEquals(new float[8 * 64], rows(base, device), 0f);
      }
    }
  }

  private static String refused(Class<? extends LorikeetException> type, Runnable action) {
    return String.valueOf(assertThrows(type, action::run).getMessage());
  }

  /** A model over a base in any form. */
  private static final class Loaded implements AutoCloseable {
    private final CausalLm model;
    private final Device device;

    Loaded(Device device, QuantizationScheme scheme, Optional<LoraAdapter> adapter) {
      this(Checkpoints.tiny(BASE), device, scheme, adapter);
    }

    Loaded(Path files, Device device, QuantizationScheme scheme, Optional<LoraAdapter> adapter) {
      this.device = device;
      try (HfCheckpoint checkpoint = HfCheckpoint.open(files)) {
        QuantizedWeights weights =
            new QuantizedWeights(
                new CheckpointWeights(checkpoint, device, Training.FROZEN),
                Optional.of(checkpoint),
                scheme,
                device,
                adapter
                    .map(LoraAdapter::rounding)
                    .orElseGet(dev.lorikeet.quant.Rounding::toNearest));
        Architecture.Blueprint blueprint = Architecture.of(checkpoint.config());
        model =
            blueprint.build(
                adapter.isPresent() ? adapter.get().over(weights) : weights,
                device,
                blueprint.contextLength(),
                adapter.isPresent() ? adapter.get() : dev.lorikeet.nn.Linear.Wrapper.none());
      }
      try {
        adapter.ifPresent(LoraAdapter::requireComplete);
      } catch (RuntimeException failure) {
        model.close();
        throw failure;
      }
    }

    float[] logits() {
      return Checkpoints.logits(model, device, TOKENS);
    }

    @Override
    public void close() {
      model.close();
    }
  }
}
