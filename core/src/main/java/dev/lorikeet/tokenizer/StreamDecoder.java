package dev.lorikeet.tokenizer;

import java.util.Arrays;

/**
 * Turns ids into text as they come, without ever handing out a part of a character: bytes of a
 * character that is spread over several tokens wait for the rest. What was handed out together is
 * the text of all ids after those of the start.
 *
 * <p>Pieces can not be decoded one by one, because a tokenizer's decoder treats the first piece of
 * a text differently (it drops the space in front) and joins bytes of neighbours. So a window of
 * ids is decoded twice, without and with the new ones, and the difference is the new text. The
 * window begins at an id whose text was already handed out, and stays a few tokens long.
 *
 * <p>Not for several threads.
 */
public final class StreamDecoder {
  private static final char REPLACEMENT = '\uFFFD';

  private final Tokenizer tokenizer;
  private final SpecialTokens specialTokens;
  private int[] ids;
  private int count;
  private int window;
  private int told;

  /**
   * Begins behind {@code start}, whose text is not handed out.
   *
   * @param start ids of the prompt; may be empty
   */
  public StreamDecoder(Tokenizer tokenizer, int[] start, SpecialTokens specialTokens) {
    this.tokenizer = tokenizer;
    this.specialTokens = specialTokens;
    this.ids = start.clone();
    this.count = start.length;
    this.told = start.length;
  }

  /** Text that is complete with {@code id}; empty while a character is not. */
  public String next(int id) {
    if (count == ids.length) {
      ids = Arrays.copyOf(ids, Math.max(16, 2 * count));
    }
    ids[count++] = id;
    String text = decode(count);
    return endsInside(text) ? "" : tell(text);
  }

  /** What is left when no id follows: bytes that never became a character are U+FFFD. */
  public String end() {
    return tell(decode(count));
  }

  private String tell(String text) {
    String before = decode(told);
    String fresh = text.length() > before.length() ? text.substring(before.length()) : "";
    if (!fresh.isEmpty()) {
      window = told;
    }
    told = count;
    return fresh;
  }

  private String decode(int end) {
    return tokenizer.decode(Arrays.copyOfRange(ids, window, end), specialTokens);
  }

  private static boolean endsInside(String text) {
    return !text.isEmpty() && text.charAt(text.length() - 1) == REPLACEMENT;
  }
}
