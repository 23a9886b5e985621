package dev.lorikeet.format;

import static dev.lorikeet.format.Fixtures.assertSays;
import static dev.lorikeet.format.Fixtures.safeTensors;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.FormatException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class SafeTensorsTest {
  @TempDir private Path folder;

  private FormatException refused(Path file) {
    FormatException failure =
        assertThrows(FormatException.class, () -> SafeTensors.open(file).close());
    assertSays(failure, file.toString());
    return failure;
  }

  private FormatException refused(String header, int dataBytes) {
    return refused(safeTensors(folder.resolve("lie.safetensors"), header, dataBytes));
  }

  @Test
  void entriesComeInTheOrderOfTheirBytes() {
    String header =
        """
        {"b":{"dtype":"F32","shape":[2,1],"data_offsets":[4,12]},
         "__metadata__":{"format":"pt","by":"hand"},
         "empty":{"dtype":"I64","shape":[3,0],"data_offsets":[12,12]},
         "a":{"shape":[],"data_offsets":[0,4],"dtype":"F32","extra":{"x":[1]}}}
        """;
    try (SafeTensors file = SafeTensors.open(safeTensors(folder.resolve("ok"), header, 12))) {
      assertEquals(List.of("a", "b", "empty"), List.copyOf(file.entries().keySet()));
      assertEquals(Map.of("format", "pt", "by", "hand"), file.metadata());
      assertEquals(new TensorEntry("b", StoredType.F32, List.of(2L, 1L), 4, 12), file.entry("b"));
      assertEquals(1, file.entry("a").elements());
      assertEquals(0, file.entry("empty").elements());
      assertEquals(8, file.bytes("b").byteSize());
      assertTrue(file.bytes("b").isReadOnly());
    }
  }

  @Test
  void segmentsDieWithTheFile() {
    Path file =
        safeTensors(
            folder.resolve("ok"),
            "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
            1);
    MemorySegment bytes;
    try (SafeTensors open = SafeTensors.open(file)) {
      bytes = open.bytes("a");
    }
    assertThrows(IllegalStateException.class, () -> bytes.get(ValueLayout.JAVA_BYTE, 0));
  }

  @Test
  void aMissingFileIsNamed() {
    assertSays(refused(folder.resolve("none.safetensors")), "the file does not exist");
    assertSays(refused(folder), "is a folder");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 7})
  void aFileWithoutRoomForTheLengthIsRefused(int bytes) {
    assertSays(
        refused(Fixtures.write(folder.resolve("short"), new byte[bytes])),
        "byte 0: the file has " + bytes + " bytes, too few");
  }

  @ParameterizedTest
  @CsvSource({
    "100000001, 100000001",
    "9223372036854775807, 9223372036854775807",
    "-1, 18446744073709551615"
  })
  void anAbsurdHeaderLengthIsRefusedWithoutReadingOn(long claimed, String shown) {
    assertSays(
        refused(Fixtures.raw(folder.resolve("absurd"), claimed, new byte[] {'{', '}'}, 0)),
        "byte 0: the header claims " + shown + " bytes, but at most 100000000 are allowed");
  }

  @Test
  void aHeaderThatEndsBeyondTheFileIsRefused() {
    assertSays(
        refused(Fixtures.raw(folder.resolve("cut"), 64, new byte[] {'{', '}'}, 3)),
        "byte 0: the header claims 64 bytes, but only 5 follow: the file is truncated");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "[]", "[1,2]", "nonsense", " {}", "\"{}\"", "{\0}\0"})
  void aHeaderThatIsNoObjectIsRefused(String header) {
    assertSays(refused(header, 0), "byte 8: the safetensors header is not a JSON object");
  }

  @Test
  void brokenJsonIsRefusedWithItsOffset() {
    assertSays(
        refused("{\"a\": {\"dtype\": oops}}", 0),
        "byte 24: the safetensors header is not a JSON object: Unrecognized token 'oops'");
    assertSays(refused("{\"a\":", 0), "the safetensors header is not a JSON object");
    assertSays(refused("{} x", 0), "the safetensors header is not a JSON object");
    assertSays(refused("{}{}", 0), "something follows the object");
    assertSays(refused("{\"a\":".repeat(5000), 0), "the safetensors header is not a JSON object");
  }

  @Test
  void invalidUtf8IsRefused() {
    byte[] header = "{\"aa\":{}}".getBytes(StandardCharsets.US_ASCII);
    header[2] = (byte) 0xff;
    assertSays(
        refused(Fixtures.raw(folder.resolve("utf"), header.length, header, 0)),
        "the safetensors header is not a JSON object: Invalid UTF-8");
  }

  @Test
  void duplicateNamesAreRefused() {
    String entry = "{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}";
    assertSays(
        refused("{\"twice\":" + entry + ",\"twice\":" + entry + "}", 1),
        "Duplicate Object property \"twice\"");
    assertSays(
        refused(
            "{\"a\":{\"dtype\":\"U8\",\"dtype\":\"I8\",\"shape\":[],\"data_offsets\":[0,1]}}", 1),
        "Duplicate Object property \"dtype\"");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{'w':7} | w: expected {dtype, shape, data_offsets}, found 7",
        "{'w':{'shape':[1],'data_offsets':[0,4]}} | w: the header gives no dtype",
        "{'w':{'dtype':'F32','data_offsets':[0,4]}} | w: the header gives no shape",
        "{'w':{'dtype':'F32','shape':[1]}} | w: the header gives no data_offsets",
        "{'w':{'dtype':'F8_E4M3','shape':[4],'data_offsets':[0,4]}} | w: dtype F8_E4M3 is not supported; supported are [F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL]",
        "{'w':{'dtype':3,'shape':[4],'data_offsets':[0,4]}} | w: dtype 3 is not supported",
        "{'w':{'dtype':'F32','shape':1,'data_offsets':[0,4]}} | w: shape is not a list of integers but 1",
        "{'w':{'dtype':'F32','shape':[1.0],'data_offsets':[0,4]}} | w: shape holds 1.0, which is not an integer of 63 bits",
        "{'w':{'dtype':'F32','shape':['1'],'data_offsets':[0,4]}} | w: shape holds 1, which is not an integer",
        "{'w':{'dtype':'F32','shape':[-1],'data_offsets':[0,4]}} | w: shape holds the negative number -1",
        "{'w':{'dtype':'F32','shape':[99999999999999999999],'data_offsets':[0,4]}} | w: shape holds 99999999999999999999, which is not an integer of 63 bits",
        "{'w':{'dtype':'F32','shape':[4294967296,4294967296],'data_offsets':[0,4]}} | w: shape [4294967296, 4294967296] of F32 overflows",
        "{'w':{'dtype':'F32','shape':[2305843009213693952,2],'data_offsets':[0,4]}} | w: shape [2305843009213693952, 2] of F32 overflows",
        "{'w':{'dtype':'F32','shape':[1],'data_offsets':[0]}} | w: data_offsets [0] should be [begin, end]",
        "{'w':{'dtype':'F32','shape':[1],'data_offsets':[0,4,8]}} | w: data_offsets [0, 4, 8] should be [begin, end]",
        "{'w':{'dtype':'F32','shape':[1],'data_offsets':[4,0]}} | w: data_offsets [4, 0] run backwards",
        "{'w':{'dtype':'F32','shape':[1],'data_offsets':[-4,0]}} | w: data_offsets holds the negative number -4",
        "{'w':{'dtype':'F32','shape':[2],'data_offsets':[0,4]}} | w: data_offsets [0, 4] hold 4 bytes, but shape [2] of F32 needs 8",
        "{'__metadata__':3} | __metadata__: expected an object of strings, found 3",
        "{'__metadata__':{'k':3}} | __metadata__: the value of 'k' is not a string",
      })
  void aLieAboutATensorIsRefusedByItsName(String header, String message) {
    assertSays(refused(header.replace('\'', '"'), 4), "lie.safetensors, " + message);
  }

  @Test
  void offsetsBeyondTheDataAreTheSignOfATruncatedFile() {
    String header = "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}";
    assertSays(
        refused(header, 7),
        "w: data_offsets [0, 8] end beyond the 7 bytes of data (file byte "
            + (8 + header.length() + 7)
            + "): the file is truncated or the header lies.");
  }

  @Test
  void overlapsHolesAndUnclaimedBytesAreRefused() {
    String two =
        """
        {"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},\
        "b":{"dtype":"U8","shape":[4],"data_offsets":[%d,%d]}}\
        """;
    int header = 8 + two.formatted(3, 7).length();
    assertSays(
        refused(two.formatted(3, 7), 8),
        "b: data_offsets [3, 7] should begin at 4, where a ends (file byte "
            + (header + 4)
            + "): the tensors overlap.");
    assertSays(
        refused(two.formatted(5, 9), 9),
        "b: data_offsets [5, 9] should begin at 4, where a ends (file byte "
            + (header + 4)
            + "): the tensors leave a hole.");
    assertSays(
        refused(two.formatted(0, 4), 4), "b: data_offsets [0, 4] should begin at 4, where a ends");
    assertSays(
        refused(two.formatted(4, 8), 10),
        "byte " + (header + 8) + ": 2 bytes follow b that the header does not mention.");
    assertSays(refused("{}", 3), "byte 10: 3 bytes follow the header");
  }

  @Test
  void noSingleDamagedHeaderByteEverEscapesAsAnotherFailure() throws IOException {
    Path good = folder.resolve("good.safetensors");
    SafeTensorsWriter.write(
        good,
        Map.of("a", Fixtures.floats(List.of(2L), 1, 2), "b", Fixtures.floats(List.of(), 3)),
        Map.of("format", "pt"));
    byte[] bytes = Files.readAllBytes(good);
    long seed = System.nanoTime();
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < 2000; i++) {
      byte[] damaged = bytes.clone();
      int at = random.nextInt(bytes.length - 12);
      damaged[at] = (byte) random.nextInt(256);
      Path file = Fixtures.write(folder.resolve("damaged"), damaged);
      String what = "seed " + seed + ", byte " + at + " = " + damaged[at];
      try (SafeTensors open = SafeTensors.open(file)) {
        long covered = open.entries().values().stream().mapToLong(TensorEntry::sizeBytes).sum();
        assertEquals(12, covered, what);
      } catch (FormatException refused) {
        assertSays(refused, file.toString());
      } catch (RuntimeException other) {
        throw new AssertionError(what, other);
      }
    }
  }

  @Test
  void everyTruncationIsRefused() throws IOException {
    Path good = folder.resolve("good.safetensors");
    SafeTensorsWriter.write(good, Map.of("a", Fixtures.floats(List.of(2L), 1, 2)), Map.of());
    byte[] bytes = Files.readAllBytes(good);
    for (int length = 0; length < bytes.length; length++) {
      refused(Fixtures.write(folder.resolve("cut"), Arrays.copyOf(bytes, length)));
    }
  }

  @Test
  void integersAreNotReadAsFloats() {
    Path file = folder.resolve("i.safetensors");
    SafeTensorsWriter.write(
        file, Map.of("ids", Fixtures.data(StoredType.I32, List.of(1L), new byte[4])), Map.of());
    try (SafeTensors open = SafeTensors.open(file)) {
      FormatException failure =
          assertThrows(
              FormatException.class, () -> open.readFloats("ids", Fixtures.floatTarget(1)));
      assertSays(failure, "ids: holds I32, but floating-point numbers", "not quantised");
    }
  }

  @Test
  void anUnknownTensorIsNamed() {
    Path file = safeTensors(folder.resolve("none"), "{}", 0);
    try (SafeTensors open = SafeTensors.open(file)) {
      assertSays(
          assertThrows(FormatException.class, () -> open.bytes("gone")),
          "gone: the file holds no such tensor");
    }
  }

  @Test
  void anUnalignedHeaderIsReadAllTheSame() {
    // Other writers do not pad: here every float lies at an odd address.
    String header = "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}} ";
    assertEquals(1, header.length() % 2);
    Path file = safeTensors(folder.resolve("odd"), header, 8);
    MemorySegment target = Fixtures.floatTarget(2);
    try (SafeTensors open = SafeTensors.open(file)) {
      open.readFloats("w", target);
    }
    assertArrayEquals(new float[2], Fixtures.toFloats(target));
  }

  @Test
  void aTensorIsReadInPartsWithoutASeam() throws IOException {
    int elements = 20_000_000; // a part ends at 16 Mi
    int seam = 1 << 24;
    String header =
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[%d],\"data_offsets\":[0,%d]}}"
            .formatted(elements, 4 * elements);
    Path path = safeTensors(folder.resolve("long"), header, 4 * elements);
    int dataStart = 8 + header.length();
    int[] chosen = {0, seam - 1, seam, elements - 1};
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
      for (int i : chosen) {
        ByteBuffer value = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
        channel.write(value.putFloat(1f + i).flip(), dataStart + 4L * i);
      }
    }
    try (SafeTensors file = SafeTensors.open(path);
        Arena arena = Arena.ofConfined()) {
      MemorySegment floats = arena.allocate(4L * elements);
      file.readFloats("a", floats);
      for (int i : chosen) {
        assertEquals(1f + i, floats.getAtIndex(ValueLayout.JAVA_FLOAT, i));
      }
      MemorySegment bytes = arena.allocate(4L * elements);
      file.readBytes("a", bytes);
      assertEquals(-1, floats.mismatch(bytes));
      assertThrows(
          IllegalStateException.class, () -> file.readBytes("a", bytes.asSlice(0, 4L * seam)));
    }
  }

  @Test
  void tensorsBeyondTwoGigabytesAreReached() throws IOException {
    // A sparse file: 3 GB of zeros that take no room, then one known float.
    long zeros = 3_000_000_000L;
    String header =
        """
        {"big":{"dtype":"U8","shape":[%1$d],"data_offsets":[0,%1$d]},\
        "last":{"dtype":"F32","shape":[1],"data_offsets":[%1$d,%2$d]}}\
        """
            .formatted(zeros, zeros + 4);
    Path file = safeTensors(folder.resolve("big"), header, 0);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      ByteBuffer last = FloatTensor.of(List.of(1L), new float[] {1.5f}).floats().asByteBuffer();
      channel.write(last, 8 + header.length() + zeros);
    }
    MemorySegment target = Fixtures.floatTarget(1);
    try (SafeTensors open = SafeTensors.open(file)) {
      assertEquals(zeros, open.bytes("big").byteSize());
      open.readFloats("last", target);
    }
    assertArrayEquals(new float[] {1.5f}, Fixtures.toFloats(target));
  }

  @Test
  void aRealModelOpens() {
    Path file = Fixtures.sharedData("models/stories260K/model.safetensors");
    try (SafeTensors open = SafeTensors.open(file)) {
      TensorEntry embedding = open.entry("model.embed_tokens.weight");
      assertEquals(List.of(512L, 64L), embedding.shape());
      assertEquals(Set.of("format"), open.metadata().keySet());
      MemorySegment target = Fixtures.floatTarget(embedding.elements());
      open.readFloats(embedding.name(), target);
      double sum = 0;
      for (float value : Fixtures.toFloats(target)) {
        assertTrue(Float.isFinite(value));
        sum += Math.abs(value);
      }
      assertTrue(sum > 0);
    }
  }
}
