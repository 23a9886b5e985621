package dev.lorikeet.nano;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * SmolLM's way of cutting text into pieces that merges never cross: every numeric character alone,
 * then GPT-2's pattern inside what lies between, each byte written as one printable character.
 *
 * @see <a href="https://github.com/openai/gpt-2/blob/master/src/encoder.py">GPT-2's encoder, the
 *     origin of the pattern and of the byte alphabet</a>
 */
final class PreTokenizer {
  private static final Pattern DIGIT_OR_REST = Pattern.compile("\\p{N}|\\P{N}+");

  private static final Pattern GPT2 =
      Pattern.compile(
          "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
          Pattern.UNICODE_CHARACTER_CLASS);

  private static final int BYTES = 256;
  private static final char[] ALPHABET = alphabet();

  /** The pieces of {@code text} in the byte alphabet, in order. */
  List<String> pieces(String text) {
    var pieces = new ArrayList<String>();
    Matcher parts = DIGIT_OR_REST.matcher(text);
    while (parts.find()) {
      Matcher words = GPT2.matcher(parts.group());
      while (words.find()) {
        pieces.add(inByteAlphabet(words.group()));
      }
    }
    return pieces;
  }

  /** The 256 characters that stand for the bytes, ordered by character as tokenizers lists them. */
  static List<String> sortedAlphabet() {
    var symbols = new ArrayList<String>(BYTES);
    for (char symbol : ALPHABET) {
      symbols.add(String.valueOf(symbol));
    }
    symbols.sort(null);
    return symbols;
  }

  private static String inByteAlphabet(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    var symbols = new StringBuilder(bytes.length);
    for (byte value : bytes) {
      symbols.append(ALPHABET[value & 0xFF]);
    }
    return symbols.toString();
  }

  // Printable Latin-1 bytes stand for themselves, the others for the characters from U+0100 on.
  private static char[] alphabet() {
    var alphabet = new char[BYTES];
    int next = BYTES;
    for (int value = 0; value < BYTES; value++) {
      boolean printable =
          (value >= '!' && value <= '~')
              || (value >= 0xA1 && value <= 0xAC)
              || (value >= 0xAE && value <= 0xFF);
      alphabet[value] = (char) (printable ? value : next++);
    }
    return alphabet;
  }
}
