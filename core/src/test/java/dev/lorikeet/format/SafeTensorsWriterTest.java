package dev.lorikeet.format;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.lorikeet.error.RunException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SafeTensorsWriterTest {
  @TempDir private Path folder;

  /**
   * What safetensors 0.8.0 writes for zeros of two elements each:
   *
   * <pre>
   * safetensors.torch.save({n: torch.zeros(2, dtype=t) for n, t in dict(bool=torch.bool,
   *     u8=torch.uint8, i8=torch.int8, i16=torch.int16, f16=torch.float16, bf16=torch.bfloat16,
   *     i32=torch.int32, f32=torch.float32, f64=torch.float64, i64=torch.int64,
   *     a_f32=torch.float32).items()}, metadata={"format": "pt"})
   * </pre>
   */
  private static final String REFERENCE_HEADER =
      """
      {"__metadata__":{"format":"pt"},\
      "i64":{"dtype":"I64","shape":[2],"data_offsets":[0,16]},\
      "f64":{"dtype":"F64","shape":[2],"data_offsets":[16,32]},\
      "a_f32":{"dtype":"F32","shape":[2],"data_offsets":[32,40]},\
      "f32":{"dtype":"F32","shape":[2],"data_offsets":[40,48]},\
      "i32":{"dtype":"I32","shape":[2],"data_offsets":[48,56]},\
      "bf16":{"dtype":"BF16","shape":[2],"data_offsets":[56,60]},\
      "f16":{"dtype":"F16","shape":[2],"data_offsets":[60,64]},\
      "i16":{"dtype":"I16","shape":[2],"data_offsets":[64,68]},\
      "i8":{"dtype":"I8","shape":[2],"data_offsets":[68,70]},\
      "u8":{"dtype":"U8","shape":[2],"data_offsets":[70,72]},\
      "bool":{"dtype":"BOOL","shape":[2],"data_offsets":[72,74]}}\
      """
          + "    ";

  @Test
  void theBytesAreThoseOfTheReferenceLibrary() throws IOException {
    Map<String, TensorData> tensors = new HashMap<>();
    for (StoredType type : StoredType.values()) {
      String name = type.name().toLowerCase(Locale.ROOT);
      tensors.put(name, Fixtures.data(type, List.of(2L), new byte[2 * type.bytes()]));
    }
    tensors.put("a_f32", Fixtures.floats(List.of(2L), 0, 0));
    Path file = folder.resolve("all.safetensors");
    SafeTensorsWriter.write(file, tensors, Map.of("format", "pt"));
    byte[] header = REFERENCE_HEADER.getBytes(StandardCharsets.US_ASCII);
    byte[] expected =
        ByteBuffer.allocate(8 + header.length + 74)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(664)
            .put(header)
            .array();
    assertArrayEquals(expected, Files.readAllBytes(file));
  }

  @Test
  void emptyFilesAndScalarsMatchTheReferenceLibraryToo() throws IOException {
    Path file = folder.resolve("none.safetensors");
    SafeTensorsWriter.write(file, Map.of(), Map.of());
    assertArrayEquals(
        "\u0008\0\0\0\0\0\0\0{}      ".getBytes(StandardCharsets.ISO_8859_1),
        Files.readAllBytes(file));
    SafeTensorsWriter.write(
        file,
        Map.of("s", Fixtures.floats(List.of(), 1), "e", Fixtures.floats(List.of(0L, 3L))),
        Map.of());
    String expected =
        "p\0\0\0\0\0\0\0{\"e\":{\"dtype\":\"F32\",\"shape\":[0,3],\"data_offsets\":[0,0]},"
            + "\"s\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}    \0\0\u0080?";
    assertArrayEquals(expected.getBytes(StandardCharsets.ISO_8859_1), Files.readAllBytes(file));
  }

  @Test
  void anythingWrittenIsReadBack() {
    long seed = System.nanoTime();
    SplittableRandom random = new SplittableRandom(seed);
    for (int round = 0; round < 50; round++) {
      String what = "seed " + seed + ", round " + round;
      Map<String, TensorData> tensors = new LinkedHashMap<>();
      int count = random.nextInt(12);
      for (int i = 0; i < count; i++) {
        tensors.put(randomName(random) + i, randomTensor(random));
      }
      Map<String, String> metadata = new HashMap<>();
      for (int i = random.nextInt(4); i > 0; i--) {
        metadata.put(randomName(random), randomName(random));
      }
      Path file = folder.resolve("random.safetensors");
      SafeTensorsWriter.write(file, tensors, metadata);
      try (SafeTensors open = SafeTensors.open(file)) {
        assertEquals(metadata, open.metadata(), what);
        assertEquals(tensors.keySet(), open.entries().keySet(), what);
        tensors.forEach((name, data) -> {
          TensorEntry entry = open.entry(name);
          assertEquals(data.type(), entry.type(), what);
          assertEquals(data.shape(), entry.shape(), what);
          assertEquals(-1, data.bytes().mismatch(open.bytes(name)), what);
        });
      }
    }
  }

  private static String randomName(SplittableRandom random) {
    int[] letters = random.ints(random.nextInt(1, 20), 1, 0x3000).toArray();
    return new String(letters, 0, letters.length);
  }

  private static TensorData randomTensor(SplittableRandom random) {
    StoredType[] types = StoredType.values();
    StoredType type = types[random.nextInt(types.length)];
    List<Long> shape = new ArrayList<>();
    for (int axis = random.nextInt(4); axis > 0; axis--) {
      shape.add((long) random.nextInt(7));
    }
    byte[] bytes = new byte[(int) TensorEntry.elements(shape) * type.bytes()];
    random.nextBytes(bytes);
    return Fixtures.data(type, shape, bytes);
  }

  @Test
  void storedFloatsComeBackAsFloat32() {
    float[] values = {1.5f, -0.375f, 65504f, 0x1p-24f, 0f, -0f};
    Map<String, TensorData> tensors = new HashMap<>();
    MemorySegment floats = FloatTensor.of(List.of(6L), values).floats();
    for (StoredType type :
        List.of(StoredType.F64, StoredType.F32, StoredType.F16, StoredType.BF16)) {
      MemorySegment bytes = MemorySegment.ofArray(new byte[6 * type.bytes()]);
      Floats.encode(type, floats, bytes);
      tensors.put(type.name(), new TensorData(type, List.of(2L, 3L), bytes));
    }
    Path file = folder.resolve("floats.safetensors");
    SafeTensorsWriter.write(file, tensors, Map.of());
    MemorySegment target = Fixtures.floatTarget(6);
    try (SafeTensors open = SafeTensors.open(file)) {
      for (String exact : List.of("F64", "F32", "F16")) {
        open.readFloats(exact, target);
        assertArrayEquals(values, Fixtures.toFloats(target), exact);
      }
      open.readFloats("BF16", target);
      // 65504 needs 11 significant bits, BF16 has 8: the neighbour above is 65536.
      float[] rounded = values.clone();
      rounded[2] = 65536f;
      assertArrayEquals(rounded, Fixtures.toFloats(target));
    }
  }

  @Test
  void arraysOfAnyTypeAreWritten() {
    Path file = folder.resolve("arrays.safetensors");
    TensorData array =
        new TensorData(StoredType.F32, List.of(3L), MemorySegment.ofArray(new float[] {1, -2, 3}));

    SafeTensorsWriter.write(file, Map.of("a", array), Map.of());

    try (SafeTensors read = SafeTensors.open(file)) {
      float[] values = new float[3];
      read.readFloats("a", MemorySegment.ofArray(values));
      assertArrayEquals(new float[] {1, -2, 3}, values);
    }
  }

  @Test
  void aFailedWriteKeepsTheOldFile() throws IOException {
    Path missing = folder.resolve("missing/model.safetensors");
    RunException failure =
        assertThrows(
            RunException.class, () -> SafeTensorsWriter.write(missing, Map.of(), Map.of()));
    Fixtures.assertSays(failure, "Could not write model.safetensors", "the folder does not exist");
    Path file = folder.resolve("model.safetensors");
    SafeTensorsWriter.write(file, Map.of("a", Fixtures.floats(List.of(1L), 1)), Map.of());
    byte[] before = Files.readAllBytes(file);
    MemorySegment freed;
    try (Arena arena = Arena.ofConfined()) {
      freed = arena.allocate(4);
    }
    TensorData dead = new TensorData(StoredType.F32, List.of(1L), freed);
    assertThrows(
        IllegalStateException.class,
        () -> SafeTensorsWriter.write(file, Map.of("a", dead), Map.of()));
    assertArrayEquals(before, Files.readAllBytes(file));
    assertEquals(List.of("model.safetensors"), Fixtures.names(folder));
  }

  @Test
  void contradictingTensorsAreDefectsOfTheCaller() {
    assertThrows(
        IllegalStateException.class, () -> Fixtures.data(StoredType.F32, List.of(2L), new byte[4]));
    assertThrows(
        IllegalStateException.class,
        () -> Fixtures.data(StoredType.U8, List.of(-2L, -2L), new byte[4]));
    assertThrows(
        IllegalStateException.class,
        () ->
            SafeTensorsWriter.write(
                folder.resolve("a"),
                Map.of("__metadata__", Fixtures.floats(List.of(1L), 1)),
                Map.of()));
  }
}
