package dev.lorikeet.task;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.FormatException;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;

/** Files of Python's bz2 module, and the ways in which such a file can be damaged. */
@NullMarked
final class Bzip2Test {
  private static final Path FILE = Path.of("text.txt.bz2");

  /** {@code bz2.compress(b"The lorikeet sang. " * 3 + b"!" * 300)}. */
  private static final byte[] TEXT =
      Base64.getDecoder()
          .decode(
              "QlpoOTFBWSZTWbg2SnoAAAuTgOAhBAAi7ZwAAAggADFNMjExMQz/1VGQekHpqWcMqvuQ205p29Ql4pKEsqWdPvxdyRThQkLg2Sno");

  /** {@code bz2.compress(b"")}. */
  private static final byte[] EMPTY = Base64.getDecoder().decode("QlpoORdyRThQkAAAAAA=");

  private static final String PLAIN = "The lorikeet sang. ".repeat(3) + "!".repeat(300);

  @Test
  void textsComeBack() {
    assertEquals(PLAIN, unpacked(TEXT));
    assertEquals("", unpacked(EMPTY));
  }

  @Test
  void severalStreamsAreOneText() {
    ByteArrayOutputStream both = new ByteArrayOutputStream();
    both.writeBytes(TEXT);
    both.writeBytes(TEXT);
    assertEquals(PLAIN + PLAIN, unpacked(both.toByteArray()));
  }

  @Test
  void aCutFileIsRefused() {
    for (int length = 0; length < TEXT.length; length++) {
      byte[] cut = Arrays.copyOf(TEXT, length);
      assertThrows(FormatException.class, () -> Bzip2.unpack(FILE, cut));
    }
  }

  @Test
  void aFlippedBitIsFound() {
    for (int bit = 0; bit < 8 * TEXT.length; bit++) {
      byte[] flipped = TEXT.clone();
      flipped[bit / 8] ^= (byte) (1 << bit % 8);
      try {
        // Bits that nothing reads: fields that are longer than needed, and the last byte's rest.
        assertArrayEquals(
            PLAIN.getBytes(StandardCharsets.UTF_8), Bzip2.unpack(FILE, flipped), "bit " + bit);
      } catch (FormatException e) {
        assertTrue(e.getMessage().startsWith("text.txt.bz2, byte "), e.getMessage());
      }
    }
  }

  private static String unpacked(byte[] packed) {
    return new String(Bzip2.unpack(FILE, packed), StandardCharsets.UTF_8);
  }
}
