package dev.lorikeet.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.FormatException;
import dev.lorikeet.tokenizer.SentencePieceModel.Algorithm;
import dev.lorikeet.tokenizer.SentencePieceModel.Piece;
import dev.lorikeet.tokenizer.SentencePieceModel.PieceType;
import dev.lorikeet.tokenizer.SentencePieceModel.Specials;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SentencePieceModelTest {
  private static final Path FILE = Path.of("some", "tokenizer.model");
  private static final Path TRAINED =
      Path.of("src/test/resources/dev/lorikeet/tokenizer/sentencepiece/llama/tokenizer.model");

  @Test
  void everythingThatATokenizerNeedsIsRead() {
    ModelBytes bytes =
        new ModelBytes()
            .piece("<unk>", 0, 2)
            .piece("<s>", 0, 3)
            .message(1, new ModelBytes().string(1, "\u2581a").float32(2, -1.5f))
            .piece("<0x0A>", 0, 6)
            .piece("user", 0, 4)
            .message(
                2,
                new ModelBytes()
                    .string(1, "input of the trainer")
                    .number(3, 2)
                    .float32(10, 0.9f)
                    .number(35, 1)
                    .number(40, 0)
                    .number(41, 1)
                    .number(42, -1))
            .message(
                3,
                new ModelBytes()
                    .string(1, "x")
                    .bytes(2, new byte[] {1, 2})
                    .number(3, 0)
                    .number(4, 0))
            .message(5, new ModelBytes().number(3, 0));
    SentencePieceModel model = SentencePieceModel.read(FILE, bytes.toBytes());

    assertEquals(5, model.pieces().size());
    assertEquals(new Piece("\u2581a", -1.5f, PieceType.NORMAL), model.pieces().get(2));
    assertEquals(PieceType.BYTE, model.pieces().get(3).type());
    assertEquals(PieceType.USER_DEFINED, model.pieces().get(4).type());
    assertEquals(Algorithm.BPE, model.algorithm());
    assertEquals(new Specials(0, 1, -1), model.specials());
    assertTrue(model.byteFallback());
    assertEquals("AQI=", model.normalizer().charsMap());
    assertFalse(model.normalizer().addDummyPrefix());
    assertFalse(model.normalizer().removeExtraSpaces());
  }

  @Test
  void whatAFileLeavesOutHasTheFormatsDefaults() {
    SentencePieceModel model =
        SentencePieceModel.read(FILE, new ModelBytes().piece("a", 0, 1).toBytes());
    assertEquals(Algorithm.UNIGRAM, model.algorithm());
    assertEquals(new Specials(0, 1, 2), model.specials());
    assertFalse(model.byteFallback());
    assertEquals("", model.normalizer().charsMap());
    assertTrue(model.normalizer().addDummyPrefix());
    assertTrue(model.normalizer().removeExtraSpaces());
  }

  @Test
  void everyKindOfDamageIsNamedWithItsPlace() {
    refused("holds no pieces; it is no SentencePiece model", new ModelBytes());
    refused("byte 0: is no field", new ModelBytes().raw(0));
    refused(
        "byte 1: says that 5 bytes follow, of which 1 are there", new ModelBytes().raw(10, 5, 1));
    refused(
        "byte 1: is the end of a message, where 1 bytes should follow", new ModelBytes().raw(10));
    refused(
        "byte 1: begins a number of more than 64 bits",
        new ModelBytes().raw(48, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1));
    refused("byte 1: has the wire type 3", new ModelBytes().raw(51));
    refused("byte 1: has the wire type 0 for field 1, expected 2", new ModelBytes().raw(8, 1));
    refused("begins a text that is not UTF-8", new ModelBytes().raw(10, 3, 10, 1, 0xFF));
    refused("piece 0: has the type 9, expected 1 to 6", new ModelBytes().piece("a", 0, 9));
    refused("piece 0: has no text", new ModelBytes().piece("", 0, 1));
    refused(
        "piece 1: is \"a\", as an earlier one", new ModelBytes().piece("a", 0, 1).piece("a", 0, 1));
    refused(
        "unk_id: is 7, but there are 1 pieces",
        new ModelBytes().piece("a", 0, 1).message(2, new ModelBytes().number(40, 7)));
    refused(
        "model_type: has the type 5, expected 1 to 4",
        new ModelBytes().piece("a", 0, 1).message(2, new ModelBytes().number(3, 5)));
    refused(
        "normalizer_spec.escape_whitespaces: is off",
        new ModelBytes().piece("a", 0, 1).message(3, new ModelBytes().number(5, 0)));
    refused(
        "trainer_spec.treat_whitespace_as_suffix: is on",
        new ModelBytes().piece("a", 0, 1).message(2, new ModelBytes().number(24, 1)));
  }

  @Test
  void noDamageEndsInAnotherException() throws IOException {
    byte[] whole = Files.readAllBytes(TRAINED);
    int refused = 0;
    for (int length = 0; length < whole.length; length += 37) {
      refused += isRefused(Arrays.copyOf(whole, length)) ? 1 : 0;
    }
    assertTrue(refused > 100, "cut off files are seldom whole messages");
    Random random = new Random(5);
    for (int i = 0; i < 2000; i++) {
      byte[] damaged = whole.clone();
      damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
      isRefused(damaged);
    }
  }

  private static boolean isRefused(byte[] bytes) {
    try {
      SentencePieceModel.read(FILE, bytes);
      return false;
    } catch (FormatException e) {
      return true;
    }
  }

  private static void refused(String expected, ModelBytes bytes) {
    FormatException e =
        assertThrows(FormatException.class, () -> SentencePieceModel.read(FILE, bytes.toBytes()));
    assertTrue(String.valueOf(e.getMessage()).startsWith(FILE.toString()), e.getMessage());
    assertTrue(String.valueOf(e.getMessage()).contains(expected), e.getMessage());
  }
}
