package dev.lorikeet.format;

import static dev.lorikeet.format.Fixtures.assertSays;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.FormatException;
import dev.lorikeet.format.FourBitState.Nested;
import dev.lorikeet.format.StoredQuantization.FourBit;
import dev.lorikeet.format.StoredQuantization.Int8;
import dev.lorikeet.format.StoredQuantization.NestedScales;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** bitsandbytes' layout is read as it is written, and refused by name where it is broken. */
final class BitsAndBytesTest {
  private static final String NAME = "model.layers.0.mlp.up_proj.weight";
  private static final String STATE = NAME + ".quant_state.bitsandbytes__nf4";
  private static final String MODULE = "model.layers.0.mlp.up_proj";
  private static final List<Long> SHAPE = List.of(9L, 1001L); // 9009 weights, 282 blocks of 32
  private static final long BLOCKS = 282;

  @TempDir private Path folder;

  @BeforeEach
  void config() {
    Fixtures.write(
        folder.resolve("config.json"),
        "{\"quantization_config\": {\"quant_method\": \"bitsandbytes\"}}");
  }

  private static MemorySegment bytes(long count) {
    byte[] values = new byte[Math.toIntExact(count)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (byte) (31 * i + 7);
    }
    return MemorySegment.ofArray(values);
  }

  private static MemorySegment floats(long count) {
    float[] values = new float[Math.toIntExact(count)];
    for (int i = 0; i < values.length; i++) {
      values[i] = i / 7f - 3;
    }
    return MemorySegment.ofArray(values);
  }

  private static FourBit nested() {
    FourBitState state =
        new FourBitState(
            FourBitState.Type.NF4,
            32,
            "bfloat16",
            SHAPE,
            Optional.of(new Nested(256, "float32", 0.1f)));
    return new FourBit(
        state,
        bytes(4505),
        bytes(BLOCKS),
        floats(16),
        Optional.of(new NestedScales(floats(2), floats(256))));
  }

  private static FourBit plain() {
    FourBitState state =
        new FourBitState(FourBitState.Type.FP4, 32, "float32", SHAPE, Optional.empty());
    return new FourBit(state, bytes(4505), floats(BLOCKS), floats(16), Optional.empty());
  }

  private static Int8 int8() {
    return new Int8(SHAPE, bytes(9009), floats(9));
  }

  private void write(Map<String, TensorData> tensors) {
    SafeTensorsWriter.write(folder.resolve("model.safetensors"), tensors, Map.of());
  }

  /** The tensors of {@code weight}, to be broken. */
  private static Map<String, TensorData> tensors(StoredQuantization weight) {
    return new LinkedHashMap<>(BitsAndBytes.tensors(NAME, weight));
  }

  private FormatException refused(Map<String, TensorData> tensors) {
    write(tensors);
    try (HfCheckpoint model = HfCheckpoint.open(folder)) {
      return assertThrows(
          FormatException.class, () -> BitsAndBytes.read(model, NAME, SHAPE, "hidden_size 1001"));
    }
  }

  private static TensorData state(String json) {
    byte[] text = json.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
    return Fixtures.data(StoredType.U8, List.of((long) text.length), text);
  }

  @Test
  void fourBitsWithNestedScalesAreReadAsWritten() {
    FourBit expected = nested();
    write(tensors(expected));
    try (HfCheckpoint model = HfCheckpoint.open(folder)) {
      FourBit actual =
          (FourBit) BitsAndBytes.read(model, NAME, SHAPE, "hidden_size 1001").orElseThrow();
      assertEquals(expected.state(), actual.state());
      assertBytes(expected.codes(), actual.codes());
      assertBytes(expected.scales(), actual.scales());
      assertBytes(expected.map(), actual.map());
      assertBytes(expected.nested().orElseThrow().absmax(), actual.nested().orElseThrow().absmax());
      assertBytes(expected.nested().orElseThrow().map(), actual.nested().orElseThrow().map());
      assertEquals(Optional.of("nf4"), BitsAndBytes.format(model));
      assertEquals(0, model.parameterCount(), "scales are no parameters");
    }
  }

  @Test
  void plainScalesAndBytesAreReadAsWritten() {
    write(tensors(plain()));
    try (HfCheckpoint model = HfCheckpoint.open(folder)) {
      FourBit actual = (FourBit) BitsAndBytes.read(model, NAME, SHAPE, "").orElseThrow();
      assertEquals(plain().state(), actual.state());
      assertBytes(plain().scales(), actual.scales());
      assertEquals(Optional.of("fp4"), BitsAndBytes.format(model));
    }
    write(tensors(int8()));
    try (HfCheckpoint model = HfCheckpoint.open(folder)) {
      Int8 actual = (Int8) BitsAndBytes.read(model, NAME, SHAPE, "").orElseThrow();
      assertBytes(int8().codes(), actual.codes());
      assertBytes(int8().rowScales(), actual.rowScales());
      assertEquals(List.of(), model.entry(MODULE + ".weight_format").shape());
      assertEquals(Optional.of("int8"), BitsAndBytes.format(model));
    }
  }

  @Test
  void plainNumbersAreNotQuantised() {
    write(Map.of(NAME, Fixtures.floats(List.of(2L), 1, 2)));
    try (HfCheckpoint model = HfCheckpoint.open(folder)) {
      assertTrue(BitsAndBytes.read(model, NAME, SHAPE, "").isEmpty());
      assertTrue(BitsAndBytes.read(model, "absent.weight", SHAPE, "").isEmpty());
      assertTrue(BitsAndBytes.format(model).isEmpty());
      assertFalse(BitsAndBytes.isCompanion(NAME));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {".absmax", ".quant_map", ".nested_absmax", ".nested_quant_map"})
  void aMissingPieceIsNamed(String piece) {
    Map<String, TensorData> tensors = tensors(nested());
    tensors.remove(NAME + piece);
    assertSays(
        refused(tensors),
        "model.safetensors, " + NAME + piece,
        "piece of the quantised weight is missing");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ".absmax", ".quant_map", ".nested_absmax", ".nested_quant_map"})
  void aPieceOfAnotherSizeOrTypeIsNamed(String piece) {
    Map<String, TensorData> tensors = tensors(nested());
    tensors.put(NAME + piece, Fixtures.data(StoredType.U8, List.of(3L), new byte[3]));
    assertSays(refused(tensors), NAME + piece + ": U8 [3], but the quantised weight needs ");
    tensors.put(NAME + ".absmax", Fixtures.data(StoredType.I16, List.of(BLOCKS), new byte[564]));
    assertSays(refused(tensors), piece.isEmpty() ? NAME : ": ");
  }

  @Test
  void aMissingOrUnknownStateIsNamed() {
    Map<String, TensorData> tensors = tensors(nested());
    TensorData state = tensors.remove(STATE);
    assertSays(refused(tensors), STATE, "this piece of its quantised form is missing");
    tensors.put(NAME + ".quant_state.bitsandbytes__int4", state);
    assertSays(refused(tensors), "bitsandbytes__int4: an unknown kind of quantisation", "nf4");
    tensors.remove(NAME + ".quant_state.bitsandbytes__int4");
    tensors.put(NAME + ".quant_state.bitsandbytes__fp4", state);
    assertSays(refused(tensors), "bitsandbytes__fp4: the state says quant_type nf4");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'quant_type': 'nf4'                       | is not valid JSON",
        "[1]                                        | expected a JSON object, found array",
        "{}                                         | .quant_type: the key is missing",
        "{'quant_type': 'int4'}                     | .quant_type: expected nf4 or fp4, found string",
        "{'quant_type': 'nf4', 'shape': [9]}        | .shape: expected two positive integers",
        "{'quant_type': 'nf4', 'shape': [9, -1]}    | .shape: expected two positive integers",
        "{'quant_type': 'nf4', 'shape': [9, 1001]}  | .blocksize: the key is missing",
        "{'quant_type': 'nf4', 'shape': [9, 1001], 'blocksize': 48} | .blocksize: expected a power of two from 32 to 4096, found number 48",
        "{'quant_type': 'nf4', 'shape': [9, 1001], 'blocksize': 32} | .dtype: the key is missing",
        "{'quant_type': 'nf4', 'shape': [9, 1001], 'blocksize': 32, 'dtype': 'x', 'nested_blocksize': 256} | .nested_offset: the key is missing",
        "{'quant_type': 'nf4', 'shape': [9, 1001], 'blocksize': 32, 'dtype': 'x', 'nested_blocksize': 256, 'nested_offset': NaN} | .nested_offset: expected a finite number",
        "{'quant_type': 'nf4', 'shape': [9, 1001], 'blocksize': 32, 'dtype': 'x', 'nested_offset': 1} | .nested_blocksize: the key is missing",
        "{'quant_type': 'nf4', 'shape': [9, 1001], 'blocksize': 32, 'dtype': 'x'} | .absmax: U8 [282], but the quantised weight needs 282 elements of F32",
        "{'quant_type': 'nf4', 'shape': [9, 1001], 'blocksize': 64, 'dtype': 'x', 'nested_blocksize': 256, 'nested_offset': 1} | .absmax: U8 [282], but the quantised weight needs 141 elements of U8",
        "{'quant_type': 'nf4', 'shape': [1001, 9], 'blocksize': 32, 'dtype': 'x', 'nested_blocksize': 256, 'nested_offset': 1} | shape [1001, 9], but config.json implies [9, 1001] (hidden_size 1001)",
      })
  void aBrokenStateIsNamed(String json, String message) {
    Map<String, TensorData> tensors = tensors(nested());
    tensors.put(STATE, state(json));
    assertSays(refused(tensors), message);
  }

  @Test
  void brokenBytesAreNamed() {
    Map<String, TensorData> tensors = tensors(int8());
    TensorData scales = tensors.remove(MODULE + ".SCB");
    assertSays(refused(tensors), MODULE + ".SCB: this piece of the quantised weight is missing");
    tensors.put(MODULE + ".SCB", Fixtures.floats(List.of(2L), 1, 2));
    assertSays(refused(tensors), MODULE + ".SCB: F32 [2], but the quantised weight needs 9 el");
    tensors.put(MODULE + ".SCB", scales);
    tensors.put(MODULE + ".weight_format", Fixtures.data(StoredType.U8, List.of(), new byte[] {2}));
    assertSays(refused(tensors), MODULE + ".weight_format: layout 2 is not supported");
    tensors.put(NAME, Fixtures.data(StoredType.I8, List.of(4L), new byte[4]));
    assertSays(refused(tensors), NAME + ": shape [4], but a weight has two dimensions");
  }

  @Test
  void whatMustBePlainIsRefusedWhereItIsQuantised() {
    write(tensors(int8()));
    try (HfCheckpoint model = HfCheckpoint.open(folder)) {
      FormatException failure =
          assertThrows(
              FormatException.class,
              () -> model.readFloats(NAME, SHAPE, "", Fixtures.floatTarget(9009)));
      assertSays(failure, NAME, "holds I8", "only the linear maps of the blocks may be quantised");
    }
  }

  @Test
  void theConfigSaysWhatTransformersNeeds() {
    Map<String, Object> fourBit = BitsAndBytes.config(nested());
    assertEquals("bitsandbytes", fourBit.get("quant_method"));
    assertEquals(true, fourBit.get("load_in_4bit"));
    assertEquals("nf4", fourBit.get("bnb_4bit_quant_type"));
    assertEquals(true, fourBit.get("bnb_4bit_use_double_quant"));
    assertEquals(false, BitsAndBytes.config(plain()).get("bnb_4bit_use_double_quant"));
    assertEquals(true, BitsAndBytes.config(int8()).get("load_in_8bit"));
  }

  private static void assertBytes(MemorySegment expected, MemorySegment actual) {
    assertArrayEquals(
        expected.toArray(ValueLayout.JAVA_BYTE), actual.toArray(ValueLayout.JAVA_BYTE));
  }
}
