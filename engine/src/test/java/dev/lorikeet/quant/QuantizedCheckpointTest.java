package dev.lorikeet.quant;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.config.ModelSettings.Quantization;
import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.FormatException;
import dev.lorikeet.fixture.Checkpoints;
import dev.lorikeet.fixture.Close;
import dev.lorikeet.fixture.Fixture;
import dev.lorikeet.format.BitsAndBytes;
import dev.lorikeet.format.HfCheckpoint;
import dev.lorikeet.format.SafeTensorsWriter;
import dev.lorikeet.format.StoredType;
import dev.lorikeet.format.TensorData;
import dev.lorikeet.model.CausalLm;
import dev.lorikeet.nn.CheckpointWeights;
import dev.lorikeet.nn.Linear;
import dev.lorikeet.nn.RandomWeights;
import dev.lorikeet.nn.Weights;
import dev.lorikeet.quant.QuantizationScheme.OtherFormats;
import dev.lorikeet.quant.QuantizationScheme.Scales;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Models over quantised weights say what transformers says over the dequantised ones. */
@Tag("reference")
final class QuantizedCheckpointTest {
  /** As for float32 weights: sums of at most 172 terms in three layers. */
  private static final double RELATIVE_TOLERANCE = 1e-5;

  private static final String BASE = "tied-gqa";

  @TempDir private Path folder;

  private static QuantizationScheme scheme(Quantization format, Scales scales) {
    return new QuantizationScheme(format, scales, 64, OtherFormats.REFUSED);
  }

  private static CausalLm load(Path directory, QuantizationScheme scheme, Device device) {
    return Checkpoints.build(
        directory,
        device,
        Linear.Wrapper.none(),
        checkpoint ->
            new QuantizedWeights(
                new CheckpointWeights(checkpoint, device, Training.FROZEN),
                Optional.of(checkpoint),
                scheme,
                device));
  }

  @ParameterizedTest
  @CsvSource({"NF4, QUANTISED", "FP4, PLAIN", "INT8, PLAIN"})
  void weightsQuantisedOnLoadingGiveTheLogitsOfTheReference(Quantization format, Scales scales) {
    assertLogits(Checkpoints.tiny(BASE), scheme(format, scales), format.spelling());
  }

  @ParameterizedTest
  @ValueSource(strings = {"nf4", "int8"})
  void aStoredQuantisedCheckpointLoads(String format) {
    Path stored = Fixture.ROOT.resolve("quant/" + format + "/model");
    assertLogits(stored, QuantizationScheme.none(), format);
  }

  private static void assertLogits(Path directory, QuantizationScheme scheme, String expected) {
    JsonNode sequences = Fixture.json("llama/" + BASE + "/expected.json").get("sequences");
    try (Device device = Device.cpu(2);
        CausalLm model = load(directory, scheme, device);
        Fixture logits = new Fixture("quant/" + expected + "/logits.safetensors")) {
      assertEquals(21, model.quantisedMaps().size());
      for (int i = 0; i < sequences.size(); i++) {
        int[] tokens = Fixture.ints(sequences.get(i).get("tokens"));
        float[] actual = Checkpoints.logits(model, device, tokens);
        Close.assertRelative(
            logits.floats("logits." + i), actual, RELATIVE_TOLERANCE, expected + " " + i);
      }
    }
  }

  @Test
  void onlyTheMapsOfTheBlocksAreQuantised() {
    try (Device device = Device.cpu(1);
        CausalLm plain = load(Checkpoints.tiny(BASE), QuantizationScheme.none(), device);
        CausalLm quantised =
            load(Checkpoints.tiny(BASE), scheme(Quantization.NF4, Scales.QUANTISED), device)) {
      assertEquals(plain.parameterCount(), quantised.parameterCount());
      assertTrue(
          quantised.parameters().stream()
              .allMatch(p -> p.name().contains("norm") || p.name().contains("embed_tokens")),
          "what is left in float32");
      long inMaps = plain.weightBytes() - bytes(quantised);
      assertTrue(quantised.weightBytes() - bytes(quantised) < 0.14 * inMaps);
      assertEquals(bytes(plain), plain.weightBytes());
    }
  }

  private static long bytes(CausalLm model) {
    return model.parameters().stream().mapToLong(parameter -> parameter.value().bytes()).sum();
  }

  @Test
  void loadingNeverHoldsTheWholeModelInFullPrecision() {
    for (Device device : new Device[] {Device.cpu(2), Device.shapeOnly(2)}) {
      try (device) {
        QuantizationScheme nf4 = scheme(Quantization.NF4, Scales.QUANTISED);
        try (CausalLm model = load(Checkpoints.tiny(BASE), nf4, device)) {
          long largestMap = 4L * 172 * 64;
          long quantisedCopy = largestMap / 4;
          long peak = device.memory().peakBytes();
          assertTrue(
              peak <= device.memory().currentBytes() + largestMap + quantisedCopy,
              device + ": peak " + peak + " over " + device.memory().currentBytes());
          assertTrue(model.parameterCount() * 4 > peak, "the whole model would be more");
        }
        assertEquals(0, device.memory().currentBytes());
      }
    }
  }

  @Test
  void anotherFormatThanTheStoredOneIsRefusedOnlyIfItWasAskedFor() {
    Path stored = Fixture.ROOT.resolve("quant/int8/model");
    try (Device device = Device.cpu(1)) {
      ConfigException refused =
          assertThrows(
              ConfigException.class,
              () -> load(stored, scheme(Quantization.NF4, Scales.QUANTISED), device).close());
      assertSays(refused, "quantization nf4 is asked for", "q_proj.weight as int8");
      QuantizationScheme preset =
          new QuantizationScheme(Quantization.NF4, Scales.QUANTISED, 64, OtherFormats.KEPT);
      try (CausalLm model = load(stored, preset, device)) {
        assertEquals(21, model.quantisedMaps().size());
      }
      assertEquals(0, device.memory().currentBytes());
    }
  }

  @Test
  void weightsThatAreNotNumbersAreRefusedByName() {
    try (Device device = Device.cpu(1)) {
      Weights poisoned =
          new Weights() {
            private final Weights source = new RandomWeights(device, 1, 1, Training.FROZEN);

            @Override
            public Parameter parameter(String name, String impliedBy, long... shape) {
              Parameter parameter = source.parameter(name, impliedBy, shape);
              float[] values = parameter.value().toFloats();
              values[3] = Float.POSITIVE_INFINITY;
              parameter.value().copyFrom(values);
              return parameter;
            }

            @Override
            public boolean contains(String name) {
              return true;
            }
          };
      Weights weights =
          new QuantizedWeights(
              poisoned, Optional.empty(), scheme(Quantization.NF4, Scales.PLAIN), device);
      FormatException refused =
          assertThrows(
              FormatException.class,
              () ->
                  weights.linear(
                      "a.q_proj",
                      new dev.lorikeet.nn.DenseLinear.Shape(8, 8),
                      dev.lorikeet.nn.DenseLinear.Bias.NO,
                      "hidden_size 8"));
      assertSays(refused, "a.q_proj.weight", "infinite or not numbers");
      assertEquals(0, device.memory().currentBytes());
    }
  }

  /** A tied head is the embedding; either way the whole model stays unread. */
  @ParameterizedTest
  @CsvSource({"tied-gqa, model.embed_tokens.weight", "untied-odd, lm_head.weight"})
  void aQuantisedHeadIsRefusedByName(String base, String name) throws IOException {
    quantiseOneWeight(base, name);
    try (Device device = Device.cpu(1)) {
      FormatException refused =
          assertThrows(
              FormatException.class, () -> load(folder, QuantizationScheme.none(), device).close());
      assertSays(
          refused,
          folder.toString(),
          name + ": holds U8 of a quantised weight",
          "only the linear maps of the blocks may be quantised",
          "plain numbers (F32, F16 or BF16) are needed here");
      assertEquals(0, device.memory().currentBytes());
    }
  }

  /** Writes the checkpoint {@code base} into {@link #folder} with one weight in NF4. */
  private void quantiseOneWeight(String base, String name) throws IOException {
    Map<String, TensorData> tensors = new LinkedHashMap<>();
    try (Device device = Device.cpu(1);
        Fixture source = new Fixture("llama/" + base + "/model/model.safetensors");
        HfCheckpoint checkpoint = HfCheckpoint.open(Checkpoints.tiny(base));
        Tensor plain = source.tensor(device, name);
        QuantizedWeight weight =
            Quantizer.quantize(plain, scheme(Quantization.NF4, Scales.PLAIN))) {
      for (String other : checkpoint.names()) {
        if (!other.equals(name)) {
          List<Long> shape = checkpoint.entry(other).shape();
          MemorySegment values = MemorySegment.ofArray(source.floats(other));
          tensors.put(other, new TensorData(StoredType.F32, shape, values));
        }
      }
      tensors.putAll(BitsAndBytes.tensors(name, weight.stored()));
      SafeTensorsWriter.write(folder.resolve("model.safetensors"), tensors, Map.of());
      ObjectNode config =
          (ObjectNode)
              JsonMapper.shared().readTree(Checkpoints.tiny(base).resolve("config.json").toFile());
      config.set(
          "quantization_config",
          JsonMapper.shared().valueToTree(BitsAndBytes.config(weight.stored())));
      Files.writeString(folder.resolve("config.json"), config.toString());
    }
  }

  private static void assertSays(Throwable failure, String... fragments) {
    String message = String.valueOf(failure.getMessage());
    for (String fragment : fragments) {
      assertTrue(message.contains(fragment), message);
    }
  }
}
