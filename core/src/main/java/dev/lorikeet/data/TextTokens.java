package dev.lorikeet.data;

import dev.lorikeet.tokenizer.Token;
import dev.lorikeet.tokenizer.Tokenizer;
import dev.lorikeet.tokenizer.Tokenizer.Additions;
import java.io.IOException;
import java.io.Reader;
import java.util.List;
import java.util.function.Consumer;

/**
 * Tokens of a text of any length, the very ones that the whole text has.
 *
 * <p>The text is read in parts that overlap, and each is tokenised for itself. At its edges a part
 * may have other tokens than the whole; what a character becomes depends on its neighbourhood only.
 * So two neighbours are joined inside their overlap, at a place where both have the same tokens for
 * a stretch before and behind. If there is none, the two parts are taken as one.
 */
final class TextTokens {
  /** Characters of a part. A text of one part is tokenised as ever, whole. */
  static final int PART = 1 << 16;

  /** Characters that two parts share. */
  static final int OVERLAP = 1 << 12;

  /** Tokens before and behind the joint that have to be the same. */
  private static final int ALIKE = 16;

  private final Tokenizer tokenizer;
  private final int part;
  private final int overlap;

  TextTokens(Tokenizer tokenizer) {
    this(tokenizer, PART, OVERLAP);
  }

  /** Parts of {@code part} characters, of which {@code overlap} are shared. */
  TextTokens(Tokenizer tokenizer, int part, int overlap) {
    this.tokenizer = tokenizer;
    this.part = part;
    this.overlap = overlap;
  }

  /** A part with its tokens, of which the first {@code given} were given out. */
  private record Part(String text, List<Token> tokens, int given) {}

  /** A joint: how many tokens stand before it in the one part and in the next. */
  private record Joint(int before, int behind) {}

  /**
   * Tokenises what {@code text} holds.
   *
   * @param tokens takes ids, in order, in pieces of any length
   */
  void forEach(Reader text, Consumer<int[]> tokens) throws IOException {
    String read = read(text, part);
    if (read.length() < part) {
      tokens.accept(tokenizer.encode(read));
      return;
    }
    Part present = new Part(read, tokenized(read), 0);
    while (true) {
      String more = read(text, part - overlap);
      if (more.isEmpty()) {
        give(present, present.tokens.size(), tokens);
        return;
      }
      int shared = sharedFrom(present.text);
      String next = present.text.substring(shared) + more;
      List<Token> nextTokens = tokenized(next);
      Joint joint = joint(present, nextTokens, shared);
      if (joint.before < 0) {
        String both = present.text + more;
        present = new Part(both, tokenized(both), present.given);
      } else {
        give(present, joint.before, tokens);
        present = new Part(next, nextTokens, joint.behind);
      }
    }
  }

  private List<Token> tokenized(String text) {
    return tokenizer.tokenize(text, Additions.NONE).tokens();
  }

  private int sharedFrom(String text) {
    int from = Math.max(0, text.length() - overlap);
    return from > 0 && Character.isLowSurrogate(text.charAt(from)) ? from - 1 : from;
  }

  private static void give(Part part, int end, Consumer<int[]> tokens) {
    if (end > part.given) {
      tokens.accept(part.tokens.subList(part.given, end).stream().mapToInt(Token::id).toArray());
    }
  }

  /** The joint nearest to the middle of what is shared; negative if there is none. */
  private static Joint joint(Part present, List<Token> next, int shared) {
    int middle = shared + (present.text.length() - shared) / 2;
    List<Token> tokens = present.tokens;
    int center = first(tokens, middle);
    for (int away = 0; away < tokens.size(); away++) {
      for (int at : new int[] {center - away, center + away}) {
        if (at - ALIKE < present.given || at + ALIKE > tokens.size()) {
          continue;
        }
        int place = tokens.get(at).start();
        if (place < shared) {
          continue;
        }
        int behind = first(next, place - shared);
        if (alike(tokens, at, next, behind, shared)) {
          return new Joint(at, behind);
        }
      }
      if (center - away < present.given && center + away > tokens.size()) {
        break;
      }
    }
    return new Joint(-1, -1);
  }

  /** Whether the tokens around two places have the same ids and stand at the same characters. */
  private static boolean alike(
      List<Token> present, int at, List<Token> next, int behind, int shared) {
    if (behind - ALIKE < 0 || behind + ALIKE > next.size()) {
      return false;
    }
    for (int i = -ALIKE; i < ALIKE; i++) {
      Token one = present.get(at + i);
      Token other = next.get(behind + i);
      if (one.id() != other.id() || one.start() != other.start() + shared) {
        return false;
      }
    }
    return present.get(at - 1).end() <= present.get(at).start();
  }

  /** The first token that begins at {@code place} or behind. */
  private static int first(List<Token> tokens, int place) {
    int low = 0;
    int high = tokens.size();
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (tokens.get(middle).start() < place) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /** Up to {@code length} characters, one more if that would part a pair; fewer at the end. */
  private static String read(Reader text, int length) throws IOException {
    char[] characters = new char[length + 2];
    int end = 0;
    while (end < length) {
      // Room for two: a line end may be two characters.
      int count = text.read(characters, end, length + 2 - end);
      if (count < 0) {
        break;
      }
      end += count;
    }
    while (end > 0 && Character.isHighSurrogate(characters[end - 1])) {
      char[] one = new char[2];
      int count = text.read(one, 0, 2);
      if (count <= 0) {
        break;
      }
      characters = java.util.Arrays.copyOf(characters, Math.max(characters.length, end + count));
      System.arraycopy(one, 0, characters, end, count);
      end += count;
    }
    return new String(characters, 0, end);
  }
}
