package dev.lorikeet.format;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.FormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** GGUF files of the Python package gguf, and damaged ones; {@code reference/make_gguf.py}. */
class GgufTest {
  private static final Path REFERENCE = Path.of("../engine/src/test/resources/reference/gguf");

  @TempDir private Path folder;

  @Test
  void blocksBecomeTheNumbersOfThePythonPackage() throws IOException {
    ByteBuffer expected =
        ByteBuffer.wrap(Files.readAllBytes(REFERENCE.resolve("blocks.f32")))
            .order(ByteOrder.LITTLE_ENDIAN);
    int compared = 0;
    try (Gguf file = Gguf.open(REFERENCE.resolve("blocks.gguf"))) {
      for (GgufType type :
          List.of(
              GgufType.F32,
              GgufType.F16,
              GgufType.BF16,
              GgufType.Q8_0,
              GgufType.Q4_0,
              GgufType.Q4_K,
              GgufType.Q6_K)) {
        GgufTensor tensor = Optional.ofNullable(file.tensors().get(type.name())).orElseThrow();
        assertEquals(type, tensor.type());
        assertEquals(List.of(3L, type.isBlocked() ? 512L : 5L), tensor.shape());
        for (float value : file.floats(tensor)) {
          int bits = expected.getInt();
          assertEquals(bits, Float.floatToRawIntBits(value), type + " number " + compared);
          compared++;
        }
      }
    }
    assertEquals(0, expected.remaining());
  }

  @Test
  void everyTypeOfValueIsRead() {
    try (Gguf file = Gguf.open(REFERENCE.resolve("blocks.gguf"))) {
      assertEquals(Optional.of(200), file.integer("t.uint8"));
      assertEquals(Optional.of(-100.0), file.number("t.int8"));
      assertEquals(Optional.of(60000), file.integer("t.uint16"));
      assertEquals(Optional.of(-30000.0), file.number("t.int16"));
      assertEquals(Optional.of(4e9), file.number("t.uint32"));
      assertEquals(Optional.of(-2e9), file.number("t.int32"));
      assertEquals(Optional.of((double) 0.1f), file.number("t.float32"));
      assertEquals(Optional.of(true), file.bool("t.bool"));
      assertEquals(Optional.of("käse 🧀"), file.string("t.string"));
      assertEquals(Optional.of(List.of("a", "", "b")), file.strings("t.array"));
      assertEquals(Optional.of((double) (1L << 62)), file.number("t.uint64"));
      assertEquals(Optional.of((double) -(1L << 62)), file.number("t.int64"));
      assertEquals(Optional.of(0.1), file.number("t.float64"));
      assertEquals(Optional.empty(), file.string("t.none"));
      assertSays(
          String.valueOf(
              assertThrows(FormatException.class, () -> file.integer("t.uint32")).getMessage()),
          "t.uint32: is 4000000000");
      assertSays(
          String.valueOf(
              assertThrows(FormatException.class, () -> file.string("t.bool")).getMessage()),
          "t.bool: expected a text, found true");
    }
  }

  @Test
  void anotherAlignmentIsHonoured() {
    try (Gguf file = Gguf.open(REFERENCE.resolve("aligned.gguf"))) {
      for (GgufTensor tensor : file.tensors().values()) {
        assertEquals(0, tensor.begin() % 256);
        assertArrayEquals(new float[] {0, 1, 2}, file.floats(tensor));
      }
      assertEquals(2, file.tensors().size());
    }
  }

  @Test
  void everyCutFileIsRefused() throws IOException {
    byte[] whole = Files.readAllBytes(REFERENCE.resolve("aligned.gguf"));
    Path file = folder.resolve("cut.gguf");
    // The last tensor ends 12 bytes behind the start of the last 256.
    int needed = whole.length - 256 + 12;
    for (int length = 0; length < needed; length++) {
      Files.write(file, Arrays.copyOf(whole, length));
      FormatException failure = assertThrows(FormatException.class, () -> Gguf.open(file).close());
      assertSays(String.valueOf(failure.getMessage()), "cut.gguf");
    }
    Files.write(file, Arrays.copyOf(whole, needed));
    Gguf.open(file).close();
  }

  @Test
  void damagedHeadersEndInAFormatException() throws IOException {
    byte[] whole = Files.readAllBytes(REFERENCE.resolve("blocks.gguf"));
    Path file = folder.resolve("damaged.gguf");
    long seed = 20261123;
    Random random = new Random(seed);
    int refused = 0;
    for (int i = 0; i < 2000; i++) {
      byte[] damaged = whole.clone();
      damaged[random.nextInt(1100)] = (byte) random.nextInt(256);
      Files.write(file, damaged);
      try {
        Gguf.open(file).close();
      } catch (FormatException expected) {
        refused++;
      } catch (RuntimeException | OutOfMemoryError other) {
        throw new AssertionError("seed " + seed + ", case " + i, other);
      }
    }
    assertTrue(refused > 100, "refused " + refused);
  }

  private record Header(ByteBuffer bytes) {
    static Header of(int version, long tensors, long keys) {
      ByteBuffer bytes = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);
      bytes.put("GGUF".getBytes(StandardCharsets.UTF_8)).putInt(version);
      return new Header(bytes.putLong(tensors).putLong(keys));
    }

    Header text(String text) {
      byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
      bytes.putLong(utf8.length).put(utf8);
      return this;
    }

    Header tensor(String name, int type, long offset, long... innermostFirst) {
      text(name);
      bytes.putInt(innermostFirst.length);
      for (long extent : innermostFirst) {
        bytes.putLong(extent);
      }
      bytes.putInt(type).putLong(offset);
      return this;
    }
  }

  private String refusal(Header header) throws IOException {
    Path file = folder.resolve("made.gguf");
    byte[] content = new byte[header.bytes.capacity()];
    header.bytes.rewind().get(content);
    Files.write(file, content);
    return String.valueOf(
        assertThrows(FormatException.class, () -> Gguf.open(file).close()).getMessage());
  }

  private static void assertSays(String message, String part) {
    assertTrue(message.contains(part), message);
  }

  @Test
  void versionsThatAreNotReadAreNamed() throws IOException {
    assertSays(refusal(Header.of(1, 0, 0)), "is GGUF version 1; versions 2 and 3 are read");
    assertSays(refusal(Header.of(9, 0, 0)), "is GGUF version 9");
    assertSays(refusal(Header.of(3 << 24, 0, 0)), "big-endian");
  }

  @ParameterizedTest
  @ValueSource(longs = {-1, Long.MAX_VALUE, 1 << 20})
  void claimsBeyondTheFileAreRefusedBeforeMemoryIsTaken(long claim) throws IOException {
    assertSays(refusal(Header.of(3, claim, 0)), "byte 8: the number of tensors is ");
    assertSays(refusal(Header.of(3, 0, claim)), "byte 16: the number of keys is ");
  }

  @Test
  void typesThatAreNotReadAreNamed() throws IOException {
    assertSays(
        refusal(Header.of(3, 1, 0).tensor("w", 13, 0, 256)),
        "w: holds Q5_K; F32, F16, BF16, Q8_0, Q4_0, Q4_K and Q6_K are read");
    assertSays(refusal(Header.of(3, 1, 0).tensor("w", 999, 0, 256)), "w: holds number 999");
  }

  @Test
  void impossibleTensorsAreRefused() throws IOException {
    assertSays(
        refusal(Header.of(3, 1, 0).tensor("w", 0, 0, 1L << 40, 1L << 40)), "impossible shape");
    assertSays(refusal(Header.of(3, 1, 0).tensor("w", 0, 0, -1)), "impossible shape");
    assertSays(refusal(Header.of(3, 1, 0).tensor("w", 0, 0, 1L << 40)), "the file is truncated");
    assertSays(refusal(Header.of(3, 1, 0).tensor("w", 0, 1, 4)), "no multiple of the alignment 32");
    assertSays(refusal(Header.of(3, 1, 0).tensor("w", 8, 0, 33)), "no whole blocks of 32 (Q8_0)");
    assertSays(refusal(Header.of(3, 1, 0).tensor("w", 0, 0, 1, 1, 1, 1, 1)), "has 5 extents");
    assertSays(
        refusal(Header.of(3, 2, 0).tensor("a", 0, 0, 16).tensor("b", 0, 32, 4)),
        "b: overlaps with a");
    assertSays(
        refusal(Header.of(3, 2, 0).tensor("a", 0, 0, 4).tensor("a", 0, 32, 4)), "stands twice");
  }
}
