package dev.lorikeet.quant;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.config.ModelSettings.Quantization;
import dev.lorikeet.fixture.Fixture;
import dev.lorikeet.format.BitsAndBytes;
import dev.lorikeet.format.HfCheckpoint;
import dev.lorikeet.format.StoredQuantization;
import dev.lorikeet.format.StoredQuantization.Blocks;
import dev.lorikeet.format.StoredQuantization.FourBit;
import dev.lorikeet.format.StoredQuantization.Int8;
import dev.lorikeet.quant.QuantizationScheme.OtherFormats;
import dev.lorikeet.quant.QuantizationScheme.Scales;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

/** Bytes are those of the reference, at sizes that blocks, bytes and vectors do not divide. */
@Tag("reference")
final class QuantizerTest {
  private static final String FOLDER = "quant/cases";

  static Stream<JsonNode> cases() {
    return Fixture.json("quant/cases.json").valueStream();
  }

  private record Case(String name, QuantizationScheme scheme, List<Long> shape) {
    static Case of(JsonNode json) {
      String format = json.get("quantization").asString().toUpperCase(Locale.ROOT);
      return new Case(
          json.get("name").asString(),
          new QuantizationScheme(
              Quantization.valueOf(format),
              json.get("double_quant").asBoolean() ? Scales.QUANTISED : Scales.PLAIN,
              json.get("block_size").asInt(),
              OtherFormats.REFUSED),
          json.get("shape").valueStream().map(JsonNode::asLong).toList());
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void codesAndScalesAreThoseOfTheReference(JsonNode json) {
    Case one = Case.of(json);
    try (Device device = Device.cpu(2);
        HfCheckpoint files = HfCheckpoint.open(Fixture.ROOT.resolve(FOLDER));
        Fixture fixture = new Fixture(FOLDER + "/model.safetensors");
        Tensor source = fixture.tensor(device, one.name + ".source");
        QuantizedWeight weight = Quantizer.quantize(source, one.scheme)) {
      StoredQuantization expected = read(files, one);
      switch (weight.stored()) {
        case FourBit actual -> assertSame((FourBit) expected, actual);
        case Int8 actual -> {
          assertBytes(((Int8) expected).codes(), actual.codes(), "codes");
          assertBytes(((Int8) expected).rowScales(), actual.rowScales(), "row scales");
        }
        case Blocks _ -> throw new AssertionError("nothing is quantised to blocks");
      }
      assertArrayEquals(fixture.floats(one.name + ".dequantized"), dequantized(weight));
    }
  }

  private static void assertSame(FourBit expected, FourBit actual) {
    assertBytes(expected.codes(), actual.codes(), "codes");
    assertEquals(expected.state(), actual.state());
    assertBytes(expected.scales(), actual.scales(), "scales");
    assertBytes(expected.map(), actual.map(), "map");
    assertEquals(expected.nested().isPresent(), actual.nested().isPresent());
    if (expected.nested().isPresent()) {
      assertBytes(
          expected.nested().get().absmax(), actual.nested().get().absmax(), "nested absmax");
      assertBytes(expected.nested().get().map(), actual.nested().get().map(), "nested map");
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void storedWeightsStandForTheReferencesValues(JsonNode json) {
    Case one = Case.of(json);
    try (Device device = Device.cpu(2);
        HfCheckpoint files = HfCheckpoint.open(Fixture.ROOT.resolve(FOLDER));
        Fixture fixture = new Fixture(FOLDER + "/model.safetensors");
        QuantizedWeight weight =
            switch (read(files, one)) {
              case FourBit stored -> FourBitWeight.read(stored, device);
              case Int8 stored -> Int8Weight.read(stored, device);
              case Blocks _ -> throw new AssertionError("the file holds no blocks");
            }) {
      assertEquals(one.scheme.format(), weight.format());
      assertEquals(one.shape, weight.stored().shape());
      assertArrayEquals(fixture.floats(one.name + ".dequantized"), dequantized(weight));
    }
  }

  @Test
  void zeroBlocksAndNumbersOnThresholdsTakeTheCodeOfTheCudaKernels() {
    assertEquals(0, FourBitCode.NF4.code(Float.NaN), "0 · (1/0) of a block of zeros");
    assertEquals(0, FourBitCode.FP4.code(Float.NaN));
    assertEquals(7, FourBitCode.NF4.code(0f));
    assertEquals(7, FourBitCode.NF4.code(0.03979015f), "on a threshold: the code below");
    assertEquals(8, FourBitCode.NF4.code(Math.nextUp(0.03979015f)));
    assertEquals(2, FourBitCode.FP4.code(0.8333333f));
    assertEquals(3, FourBitCode.FP4.code(Math.nextUp(0.8333333f)));
    assertEquals(8, FourBitCode.FP4.code(-1e-9f), "a tiny negative number keeps its sign");
    for (FourBitCode code : FourBitCode.values()) {
      float[] map = code.map();
      for (int i = 0; i < map.length; i++) {
        // −0 is not below 0, so it takes the code of 0.
        assertTrue(map[i] == map[code.code(map[i])], code + " " + i);
      }
    }
  }

  private static StoredQuantization read(HfCheckpoint files, Case one) {
    return BitsAndBytes.read(files, one.name + ".weight", one.shape, "the case").orElseThrow();
  }

  private static float[] dequantized(QuantizedWeight weight) {
    try (Tensor all = weight.device().floats(weight.outFeatures(), weight.inFeatures())) {
      weight.dequantizeRows(0, weight.outFeatures(), all.address());
      return all.toFloats();
    }
  }

  private static void assertBytes(MemorySegment expected, MemorySegment actual, String what) {
    assertArrayEquals(
        expected.toArray(ValueLayout.JAVA_BYTE), actual.toArray(ValueLayout.JAVA_BYTE), what);
  }
}
